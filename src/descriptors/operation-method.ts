import type { DescMessage, DescMethod, DescService } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { methodAt } from './method-at';
import { DescriptorError, type DescriptorRegistry } from './registry';

/** How a family of APIs declares that a method starts an operation, and the types in the operation. */
interface Dialect {
  /** The type that such a method returns. */
  operation: string;
  /** The service that manages operations: its methods return operations but do not start any. */
  operationService: string;
  /** The number of the method option that names the types, followed by the numbers of its fields. */
  option: number;
  metadata: number;
  response: number;
}

/** `(yandex.cloud.api.operation)` */
const YANDEX: Dialect = {
  operation: 'yandex.cloud.operation.Operation',
  operationService: 'yandex.cloud.operation.OperationService',
  option: 87334,
  metadata: 1,
  response: 2,
};

/** `(google.longrunning.operation_info)` */
const GOOGLE: Dialect = {
  operation: 'google.longrunning.Operation',
  operationService: 'google.longrunning.Operations',
  option: 1049,
  metadata: 2,
  response: 1,
};

/** A method that starts an operation, and the types in the operation. */
export interface OperationMethodTypes {
  /** `/package.Service/Method` */
  path: string;
  method: DescMethod;
  /** Undefined if the method's option names none. */
  responseType?: DescMessage;
  metadataType?: DescMessage;
  /** Type names in the option that are not in the descriptors. */
  unresolved: string[];
}

/**
 * The method at `path` (with or without the leading slash), or a text that says why there is none. Finds only methods
 * of Yandex's dialect: operations of another dialect would be misread without an error.
 */
export function findOperationMethod(registry: DescriptorRegistry, path: string): OperationMethodTypes | string {
  try {
    return lookUpMethod(registry, path);
  } catch (err) {
    if (err instanceof DescriptorError) return err.message;
    throw err;
  }
}

function lookUpMethod(registry: DescriptorRegistry, path: string): OperationMethodTypes | string {
  const method = methodAt(registry, path);
  if (typeof method === 'string') return method;
  return (
    operationMethod(registry, method, YANDEX) ??
    `${path} does not return an operation: it returns ${method.output.typeName}`
  );
}

/** All methods of a service that start operations, in any dialect. */
export function operationMethods(registry: DescriptorRegistry, service: DescService): OperationMethodTypes[] {
  return service.methods.flatMap(
    (method) => operationMethod(registry, method, YANDEX) ?? operationMethod(registry, method, GOOGLE) ?? [],
  );
}

function operationMethod(
  registry: DescriptorRegistry,
  method: DescMethod,
  dialect: Dialect,
): OperationMethodTypes | undefined {
  const { parent: service } = method;
  if (method.output.typeName !== dialect.operation || method.methodKind !== 'unary') return undefined;
  if (service.typeName === dialect.operationService) return undefined;
  const { [dialect.metadata]: metadata, [dialect.response]: response } = stringFields(method, dialect.option);
  const resolve = (name: string | undefined): DescMessage | undefined =>
    name === undefined ? undefined : resolveType(registry, service.file.proto.package, name);
  const metadataType = resolve(metadata);
  const responseType = resolve(response);
  return {
    path: `/${service.typeName}/${method.name}`,
    method,
    ...(responseType && { responseType }),
    ...(metadataType && { metadataType }),
    unresolved: [
      ...(metadata !== undefined && !metadataType ? [metadata] : []),
      ...(response !== undefined && !responseType ? [response] : []),
    ],
  };
}

/** Resolves a type name as the .proto language does: from the innermost scope outwards. */
function resolveType(registry: DescriptorRegistry, scope: string, name: string): DescMessage | undefined {
  if (name.startsWith('.')) return registry.getMessage(name.slice(1));
  for (let outer = scope; ; outer = outer.slice(0, Math.max(0, outer.lastIndexOf('.')))) {
    const found = registry.getMessage(outer === '' ? name : `${outer}.${name}`);
    if (found || outer === '') return found;
  }
}

/** The string fields of a message option, decoded by hand: descriptor sets rarely define the extension. */
function stringFields(method: DescMethod, option: number): Record<number, string> {
  const found: Record<number, string> = {};
  for (const field of method.proto.options?.$unknown ?? []) {
    if (field.no !== option || !isLengthDelimited(field.wireType)) continue;
    const reader = new BinaryReader(new BinaryReader(field.data).bytes());
    while (reader.pos < reader.len) {
      const [no, wireType] = reader.tag();
      if (isLengthDelimited(wireType)) found[no] = reader.string();
      else reader.skip(wireType, no);
    }
  }
  return found;
}

function isLengthDelimited(wireType: WireType): boolean {
  return wireType === WireType.LengthDelimited;
}
