import { ScalarType, type DescField, type DescMessage, type DescMethod, type DescService } from '@bufbuild/protobuf';
import type { OperationMethodTypes } from '../descriptors/operation-method';

/** How the resources of one type are read. */
export interface ResourceMethods {
  get: DescMethod;
  /** The field of Get's request that has the resource's id. */
  id: DescField;
  list?: ListMethod;
}

export interface ListMethod {
  method: DescMethod;
  /** The field of its reply that has the resources. */
  items: DescField;
}

/**
 * Returns how the resource is read that an operation of `start` creates, updates or deletes; undefined if the service
 * has no Get for it. Get returns the resource, which has an `id`, by the only string of its request that ends in `_id`.
 */
export function resourceMethods({ method, responseType }: OperationMethodTypes): ResourceMethods | undefined {
  const { parent: service } = method;
  for (const get of service.methods) {
    const id = isNamed(get, 'Get', get.output) ? idOf(get) : undefined;
    if (!id) continue;
    const concerns = isDeletion(method, get)
      ? stringNamed(method.input, id.name)
      : responseType?.typeName === get.output.typeName;
    if (concerns) return { get, id, ...listOf(service, get.output) };
  }
  return undefined;
}

/** Whether a method deletes the resource that Get returns. */
export function isDeletion(method: DescMethod, get: DescMethod): boolean {
  return isNamed(method, 'Delete', get.output);
}

function isNamed({ name, methodKind }: DescMethod, verb: string, type: DescMessage): boolean {
  return methodKind === 'unary' && (name === verb || name === verb + type.name);
}

export function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

function idOf({ input, output }: DescMethod): DescField | undefined {
  const ids = input.fields.filter((field) => isString(field) && field.name.endsWith('_id'));
  return ids.length === 1 && stringNamed(output, 'id') ? ids[0] : undefined;
}

function listOf(service: DescService, type: DescMessage): Pick<ResourceMethods, 'list'> {
  for (const method of service.methods) {
    const items = method.output.fields.find(
      (field) => field.fieldKind === 'list' && field.message?.typeName === type.typeName,
    );
    if (items && method.methodKind === 'unary' && method.name.startsWith('List')) {
      return { list: { method, items } };
    }
  }
  return {};
}

function stringNamed({ fields }: DescMessage, name: string): DescField | undefined {
  return fields.find((field) => field.name === name && isString(field));
}

function isString(field: DescField): boolean {
  return field.fieldKind === 'scalar' && field.scalar === ScalarType.STRING;
}
