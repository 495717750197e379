import { ScalarType, type DescField, type DescMessage, type DescMethod } from '@bufbuild/protobuf';
import type { OperationMethodTypes } from '../descriptors/operation-method';
import { fieldsOf } from '../model/check';
import type { JsonObject } from '../model/snapshot';

/** How the resources of one type are read. */
export interface ResourceMethods {
  get: DescMethod;
  /** The field of Get's request that has the resource's id. */
  id: DescField;
  /** The field of Get's reply that has the resource. Undefined if the reply is the resource. */
  field?: DescField;
  list?: ListMethod;
}

export interface ListMethod {
  method: DescMethod;
  /** The field of its reply that has the resources. */
  items: DescField;
}

/**
 * Returns how the resource is read that an operation of `start` creates, updates or deletes. Undefined if the service
 * has no Get for it: a method that returns the resource, by a string of its request whose name ends in `_id`, or `name`.
 */
export function resourceMethods({ method, responseType, resource }: OperationMethodTypes): ResourceMethods | undefined {
  if (resource) {
    const { method: get, id, field } = resource;
    return withList({ get, id, ...(field && { field }) });
  }
  for (const get of method.parent.methods) {
    if (get.methodKind !== 'unary') continue;
    const id = isDeletion(method, get) ? idInBoth(get.input, method.input) : idOf(get, responseType);
    if (id) return withList({ get, id });
  }
  return undefined;
}

/** Whether a method deletes the resource that `get` returns: `Delete` and `Get`, or `DeleteCluster` and `GetCluster`. */
export function isDeletion({ name }: DescMethod, get: DescMethod): boolean {
  return /^Delete/.test(name) && get.name === name.replace(/^Delete/, 'Get');
}

export function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

/** The id in the JSON of a resource. Undefined if it has none. */
export function idIn({ id }: ResourceMethods, resource: JsonObject): string | undefined {
  const ids = [resource.id, fieldsOf(resource.metadata).id, resource[id.jsonName], resource.name];
  return ids.find((one) => typeof one === 'string' && one !== '')?.toString();
}

function withList(methods: ResourceMethods): ResourceMethods {
  const { get, field } = methods;
  const type = field?.message ?? get.output;
  const isList = (name: string): boolean =>
    name === `${get.name}s` || name.startsWith(get.name.replace(/^Get/, 'List'));
  for (const method of get.parent.methods) {
    if (method.methodKind !== 'unary' || !isList(method.name)) continue;
    const items = method.output.fields.find((one) => isListOf(one, type));
    if (items) return { ...methods, list: { method, items } };
  }
  return methods;
}

/** The field of Get's request that has the resource's id. Undefined if it does not get resources of that type. */
function idOf({ name, input, output }: DescMethod, type: DescMessage | undefined): DescField | undefined {
  if (output.typeName !== type?.typeName || (name !== 'Get' && name !== `Get${type.name}`)) return undefined;
  const ids = input.fields.filter((field) => isString(field) && field.name.endsWith('_id'));
  if (ids.length === 1 && stringNamed(output, 'id')) return ids[0];
  return stringNamed(output, 'name') && stringNamed(input, 'name');
}

/** The only string that the requests of Get and of Delete both have. */
function idInBoth(get: DescMessage, deletion: DescMessage): DescField | undefined {
  const ids = get.fields.filter((field) => isString(field) && stringNamed(deletion, field.name));
  return ids.length === 1 ? ids[0] : undefined;
}

function isListOf(field: DescField, type: DescMessage): boolean {
  return field.fieldKind === 'list' && field.message?.typeName === type.typeName;
}

function stringNamed({ fields }: DescMessage, name: string): DescField | undefined {
  return fields.find((field) => field.name === name && isString(field));
}

function isString(field: DescField): boolean {
  return field.fieldKind === 'scalar' && field.scalar === ScalarType.STRING;
}
