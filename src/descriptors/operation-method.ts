import type { DescMessage, DescMethod, DescService } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { DescriptorRegistry } from './registry';

const OPERATION = 'yandex.cloud.operation.Operation';
const OPERATION_SERVICE = 'yandex.cloud.operation.OperationService';
/** Method option `(yandex.cloud.api.operation)`: `metadata` is its field 1, `response` its field 2. */
const OPERATION_OPTION = 87334;

/** A method that starts an operation, and the types that the operation will carry. */
export interface OperationMethodTypes {
  /** `/package.Service/Method` */
  path: string;
  method: DescMethod;
  /** Undefined where the method's option names none. */
  responseType?: DescMessage;
  metadataType?: DescMessage;
  /** Names in the option that no descriptor has. */
  unresolved: string[];
}

/** The method at `path` (with or without the leading slash); a text that says why where there is none. */
export function findOperationMethod(registry: DescriptorRegistry, path: string): OperationMethodTypes | string {
  const [, serviceName = '', methodName = ''] = /^\/?([\w.]+)\/(\w+)$/.exec(path) ?? [];
  if (serviceName === '') return `${JSON.stringify(path)} is no method path: give "/package.Service/Method"`;
  const service = registry.getService(serviceName);
  if (!service) return `no service ${serviceName} in the descriptors of this cloud: add the set that has it`;
  const method = service.methods.find(({ name }) => name === methodName);
  if (!method)
    return `${serviceName} has no method ${methodName}; it has ${service.methods.map(({ name }) => name).join(', ')}`;
  return (
    operationMethod(registry, method) ?? `${path} does not return an operation: it returns ${method.output.typeName}`
  );
}

/** Every method of a service that starts an operation. */
export function operationMethods(registry: DescriptorRegistry, service: DescService): OperationMethodTypes[] {
  return service.methods.flatMap((method) => operationMethod(registry, method) ?? []);
}

function operationMethod(registry: DescriptorRegistry, method: DescMethod): OperationMethodTypes | undefined {
  const { parent: service } = method;
  if (method.output.typeName !== OPERATION || method.methodKind !== 'unary') return undefined;
  if (service.typeName === OPERATION_SERVICE) return undefined;
  const { 1: metadata, 2: response } = stringFields(method, OPERATION_OPTION);
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

/** A type name as the .proto language resolves it: innermost scope outwards. */
function resolveType(registry: DescriptorRegistry, scope: string, name: string): DescMessage | undefined {
  if (name.startsWith('.')) return registry.getMessage(name.slice(1));
  for (let outer = scope; ; outer = outer.slice(0, Math.max(0, outer.lastIndexOf('.')))) {
    const found = registry.getMessage(outer === '' ? name : `${outer}.${name}`);
    if (found || outer === '') return found;
  }
}

/** The string fields of a message-typed option, read raw: descriptor sets seldom define the extension itself. */
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
