import type { DescService } from '@bufbuild/protobuf';
import { operationMethods, type OperationMethodTypes } from '../descriptors/operation-method';
import type { DescriptorRegistry } from '../descriptors/registry';
import { unique } from './names';

/** A service with its methods that start operations. */
export interface ServiceMethods {
  service: DescService;
  methods: NamedMethod[];
}

export interface NamedMethod extends OperationMethodTypes {
  /** The property name in the service's constant. */
  property: string;
}

/** There is nothing to generate. The message lists what the sets contain. */
export class SelectionError extends Error {
  override readonly name = 'SelectionError';
}

/**
 * Selects the methods that start operations and match a prefix in `only`: a package, service or method, such as `a.b`,
 * `a.b.Service`, `a.b.Service.Method` or `/a.b.Service/Method`. If `only` is empty, selects all of them.
 * Throws a SelectionError for the first prefix that matches no method.
 */
export function selectMethods(registry: DescriptorRegistry, only: readonly string[]): ServiceMethods[] {
  const all = [...registry.services()]
    .map((service) => ({ service, methods: named(operationMethods(registry, service)) }))
    .filter(({ methods }) => methods.length > 0)
    .sort((a, b) => (a.service.typeName < b.service.typeName ? -1 : 1));
  if (all.length === 0) {
    throw new SelectionError(
      'no method in these descriptor sets returns an operation: give the sets of other services',
    );
  }
  if (only.length === 0) return all;
  const prefixes = only.map(dotted);
  const names = all.flatMap(({ methods }) => methods.map(({ path }) => dotted(path)));
  for (const [index, prefix] of prefixes.entries()) {
    if (prefix === '' || !names.some((name) => isWithin(name, prefix))) {
      throw new SelectionError(
        `no method that starts an operation is within ${JSON.stringify(only[index])}: ${whatIsThere(names, prefix)}`,
      );
    }
  }
  return all
    .map(({ service, methods }) => ({
      service,
      methods: methods.filter(({ path }) => prefixes.some((prefix) => isWithin(dotted(path), prefix))),
    }))
    .filter(({ methods }) => methods.length > 0);
}

/**
 * `rpc Create` and `rpc create` would share a TypeScript property. All methods are named before the selection, so that
 * generating more of them later renames nothing.
 */
function named(methods: readonly OperationMethodTypes[]): NamedMethod[] {
  const taken = new Set<string>();
  return methods.map((types) => ({ ...types, property: unique(types.method.localName, taken) }));
}

/** Normalises a method path or a dotted name, with or without a leading slash, to a dotted name. */
function dotted(name: string): string {
  return name.replace(/^\//, '').replace('/', '.');
}

/** Compares whole segments: `a.b.v1` does not contain `a.b.v1alpha`. */
function isWithin(name: string, prefix: string): boolean {
  return prefix === '' || name === prefix || name.startsWith(`${prefix}.`);
}

/** Lists the names below the longest existing prefix of `wanted`. */
function whatIsThere(names: readonly string[], wanted: string): string {
  let parent = wanted;
  while (!names.some((name) => isWithin(name, parent))) parent = parent.slice(0, Math.max(0, parent.lastIndexOf('.')));
  for (;;) {
    const skip = parent === '' ? 0 : parent.length + 1;
    const children = new Set(
      names.filter((name) => isWithin(name, parent)).map((name) => name.slice(skip).split('.')[0] ?? ''),
    );
    const [first = '', ...others] = children;
    // A package with a single child says little: descend until there is a choice.
    if (others.length > 0) return `${parent || 'the sets'} has ${[...children].sort().join(', ')}`;
    if (first === '') return `there is ${parent}`;
    parent = parent === '' ? first : `${parent}.${first}`;
  }
}
