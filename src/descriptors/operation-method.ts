import { ScalarType, type DescField, type DescMessage, type DescMethod, type DescService } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import { DescriptorError, type DescriptorRegistry } from './registry';
import { messageOption, stringOption } from './option-values';
import type { ResourceRules, StartRules } from './start-rules';

/** A method that starts an operation, and the types in the operation. */
export interface OperationMethodTypes {
  /** `/package.Service/Method` */
  path: string;
  method: DescMethod;
  /** The field of the reply that has the operation. Undefined if the reply is the operation. */
  operationField?: DescField;
  /** The type of the result. Undefined if the method's option does not name it. */
  responseType?: DescMessage;
  metadataType?: DescMessage;
  /** How to read the result, a resource. Undefined if the operation has its result, or if the result is empty. */
  resource?: ResourceRead;
  /** Type names in the option that are not in the descriptors. */
  unresolved: string[];
}

/** How to read a resource after its operation. */
export interface ResourceRead {
  method: DescMethod;
  /** The field of its request that takes the resource's ID. */
  id: DescField;
  /** The field of the start's reply or request that has the ID. Undefined if the operation itself has it. */
  idFrom?: { in: 'reply' | 'request'; field: DescField };
  /** The field of its reply that has the resource. Undefined if the reply is the resource. */
  field?: DescField;
}

/**
 * A string option of a start: the path of the method that reads its resource. `temporal-lro generate --read` writes it
 * into the descriptor set, where workers find it. The number is in protobuf's range for use within an organization.
 */
export const READ_OPTION = 58_190;

/**
 * The method at `path` (with or without the leading slash), or a text that says why there is none. Finds only methods
 * of the API with these `rules`: operations of another API would be misread without an error.
 */
export function findOperationMethod(
  registry: DescriptorRegistry,
  path: string,
  rules: StartRules,
): OperationMethodTypes | string {
  return orReason(() => {
    const method = lookUpMethod(registry, path);
    if (typeof method === 'string') return method;
    const { typeName } = method.output;
    return operationMethod(registry, method, rules) ?? `${path} does not return an operation: it returns ${typeName}`;
  });
}

/** The method at `path` (with or without the leading slash), or a text that says why there is none. */
export function findMethod(registry: DescriptorRegistry, path: string): DescMethod | string {
  return orReason(() => lookUpMethod(registry, path));
}

function orReason<T>(find: () => T | string): T | string {
  try {
    return find();
  } catch (err) {
    if (err instanceof DescriptorError) return err.message;
    throw err;
  }
}

function lookUpMethod(registry: DescriptorRegistry, path: string): DescMethod | string {
  const [, serviceName = '', methodName = ''] = /^\/?([\w.]+)\/(\w+)$/.exec(path) ?? [];
  if (serviceName === '') return `${JSON.stringify(path)} is not a method path: give "/package.Service/Method"`;
  const service = registry.getService(serviceName);
  if (!service) return `no service ${serviceName} in the descriptors of this cloud: add the set that has it`;
  const methods = service.methods.map(({ name }) => name);
  return methodOf(service, methodName) ?? `${serviceName} has no method ${methodName}; it has ${methods.join(', ')}`;
}

/** All methods of a service that start operations, in any of these APIs. */
export function operationMethods(
  registry: DescriptorRegistry,
  service: DescService,
  apis: readonly StartRules[],
): OperationMethodTypes[] {
  return service.methods.flatMap((method) =>
    apis.flatMap((rules) => operationMethod(registry, method, rules) ?? []).slice(0, 1),
  );
}

/** Undefined if the method starts no operation of the API with these `rules`. */
function operationMethod(
  registry: DescriptorRegistry,
  method: DescMethod,
  rules: StartRules,
): OperationMethodTypes | undefined {
  const { parent: service } = method;
  const name = `${service.typeName}.${method.name}`;
  if (method.methodKind !== 'unary' || rules.except.some((one) => one === service.typeName || one === name)) return;
  const isOperation = ({ typeName }: DescMessage): boolean => rules.operations.includes(typeName);
  const operationField = rules.inField
    ? method.output.fields.find((field) => field.fieldKind === 'message' && isOperation(field.message))
    : undefined;
  if (!operationField && !isOperation(method.output)) return;
  const start = { path: `/${service.typeName}/${method.name}`, method, ...(operationField && { operationField }) };
  if (!rules.reads) return { ...start, ...namedTypes(registry, method, rules) };
  const resource = resourceRead(registry, method, rules.reads, operationField);
  if (!resource) return { ...start, responseType: EmptySchema, unresolved: [] };
  const responseType = resource.field?.message ?? resource.method.output;
  return { ...start, responseType, resource, unresolved: [] };
}

/** The types that the method's option names. */
function namedTypes(
  registry: DescriptorRegistry,
  method: DescMethod,
  { types }: StartRules,
): Pick<OperationMethodTypes, 'responseType' | 'metadataType' | 'unresolved'> {
  if (!types) return { unresolved: [] };
  const names = messageOption(method.proto.options, types.option);
  const nameOf = (field: number): string | undefined => names.findLast(({ number }) => number === field)?.text;
  const unresolved: string[] = [];
  const resolve = (name: string | undefined): DescMessage | undefined => {
    if (name === undefined || name === '') return undefined;
    const type = resolveType(registry, method.parent.file.proto.package, name);
    if (!type) unresolved.push(name);
    // Some methods name Any itself, which says nothing.
    return type?.typeName === 'google.protobuf.Any' ? undefined : type;
  };
  const metadataType = resolve(nameOf(types.metadata));
  const responseType = resolve(nameOf(types.response));
  return { ...(responseType && { responseType }), ...(metadataType && { metadataType }), unresolved };
}

function resourceRead(
  registry: DescriptorRegistry,
  start: DescMethod,
  { methods, idFrom }: ResourceRules,
  operationField: DescField | undefined,
): ResourceRead | undefined {
  const chosen = stringOption(start.proto.options, READ_OPTION);
  const method =
    chosen === undefined
      ? methods(start).flatMap((name) => methodOf(start.parent, name) ?? [])[0]
      : lookUpMethod(registry, chosen);
  if (method === undefined || typeof method === 'string' || method.methodKind !== 'unary') return undefined;
  const id = idField(method.input);
  if (!id) return undefined;
  const field = operationField && messageField(method.output);
  const read: ResourceRead = { method, id, ...(field && { field }) };
  if (idFrom === 'operation') return read;
  const has = (field: DescField): boolean => field.name === id.name && isString(field);
  const inReply = start.output.fields.find(has);
  if (inReply) return { ...read, idFrom: { in: 'reply', field: inReply } };
  const inRequest = start.input.fields.find(has);
  return inRequest && { ...read, idFrom: { in: 'request', field: inRequest } };
}

/** The field `id`, or else the only string. */
function idField({ fields }: DescMessage): DescField | undefined {
  const strings = fields.filter(isString);
  return strings.find(({ name }) => name === 'id') ?? (strings.length === 1 ? strings[0] : undefined);
}

function isString({ fieldKind, scalar }: DescField): boolean {
  return fieldKind === 'scalar' && scalar === ScalarType.STRING;
}

/** The message in a reply that has nothing else. */
function messageField({ fields: [field, ...others] }: DescMessage): DescField | undefined {
  return field?.fieldKind === 'message' && others.length === 0 ? field : undefined;
}

function methodOf(service: DescService, name: string): DescMethod | undefined {
  return service.methods.find((method) => method.name === name);
}

/** Resolves a type name as the .proto language does: from the innermost scope outwards. */
function resolveType(registry: DescriptorRegistry, scope: string, name: string): DescMessage | undefined {
  if (name.startsWith('.')) return registry.getMessage(name.slice(1));
  for (let outer = scope; ; outer = outer.slice(0, Math.max(0, outer.lastIndexOf('.')))) {
    const found = registry.getMessage(outer === '' ? name : `${outer}.${name}`);
    if (found || outer === '') return found;
  }
}
