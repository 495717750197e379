import type { DescService } from '@bufbuild/protobuf';
import { operationMethods, type OperationMethodTypes } from '../descriptors/operation-method';
import type { DescriptorRegistry } from '../descriptors/registry';
import { Identifiers } from './identifiers';

/** A service, and those of its methods that start operations. */
export interface ServiceMethods {
  service: DescService;
  methods: NamedMethod[];
}

export interface NamedMethod extends OperationMethodTypes {
  /** What the constant of the service calls it. */
  property: string;
}

/** Nothing to generate. The message says what there is instead. */
export class SelectionError extends Error {
  override readonly name = 'SelectionError';
}

/**
 * The services with methods that start operations, and of those the ones that some prefix in `only` names: a package, a
 * service or a method, as `a.b`, `a.b.Service`, `a.b.Service.Method` or `/a.b.Service/Method`. All of them without any.
 * Throws a SelectionError for the first prefix that names none.
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
 * TypeScript has one property for `rpc Create` and `rpc create`. All methods are named before some are selected, so that
 * generating more of them later renames nothing.
 */
function named(methods: readonly OperationMethodTypes[]): NamedMethod[] {
  // A property may have any name.
  const properties = new Identifiers(new Set());
  return methods.map((types) => ({ ...types, property: properties.take(types.method.localName) }));
}

/** A method's path and a dotted name, either with a slash at its head, as one kind of name. */
function dotted(name: string): string {
  return name.replace(/^\//, '').replace('/', '.');
}

/** By whole segments: `a.b.v1` does not hold `a.b.v1alpha`. */
function isWithin(name: string, prefix: string): boolean {
  return prefix === '' || name === prefix || name.startsWith(`${prefix}.`);
}

/** The names below the longest part of `wanted` that there is. */
function whatIsThere(names: readonly string[], wanted: string): string {
  let parent = wanted;
  while (!names.some((name) => isWithin(name, parent))) parent = parent.slice(0, Math.max(0, parent.lastIndexOf('.')));
  for (;;) {
    const skip = parent === '' ? 0 : parent.length + 1;
    const children = new Set(
      names.filter((name) => isWithin(name, parent)).map((name) => name.slice(skip).split('.')[0] ?? ''),
    );
    const [first = '', ...others] = children;
    // One package in another says little: go on to where there is a choice.
    if (others.length > 0) return `${parent || 'the sets'} has ${[...children].sort().join(', ')}`;
    if (first === '') return `there is ${parent}`;
    parent = parent === '' ? first : `${parent}.${first}`;
  }
}
