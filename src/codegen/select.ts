import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { BUILT_IN_APIS } from '../apis/built-in';
import { operationMethods, type OperationMethodTypes } from '../descriptors/operation-method';
import type { DescriptorRegistry } from '../descriptors/registry';
import type { StartRules } from '../descriptors/start-rules';
import { unique } from './names';

/** The rules of all APIs that methods can be generated for. */
export const START_RULES: readonly StartRules[] = Object.values(BUILT_IN_APIS).map((api) => api().starts);

interface Selection {
  /** Only services that have selected methods. */
  services: ServiceMethods[];
  /** The paths of streaming methods that would be selected: operations and reads are unary. */
  streaming: string[];
}

export interface ServiceMethods {
  service: DescService;
  methods: SelectedMethod[];
}

/** A unary method. */
export interface SelectedMethod {
  /** `/package.Service/Method` */
  path: string;
  method: DescMethod;
  /** The property name in the service's constant. */
  property: string;
  /** Undefined if the method starts no operation. */
  start?: OperationMethodTypes;
}

/** There is nothing to generate. The message lists what the sets contain. */
export class SelectionError extends Error {
  override readonly name = 'SelectionError';
}

/**
 * Selects the unary methods that match a prefix in `only`: a package, service or method, such as `a.b`, `a.b.Service`,
 * `a.b.Service.Method` or `/a.b.Service/Method`. If `only` is empty, selects all of them. Throws a SelectionError for
 * the first prefix that matches no method, or if all methods stream.
 */
export function selectMethods(registry: DescriptorRegistry, only: readonly string[]): Selection {
  const all = [...registry.services()]
    .map((service) => ({ service, methods: named(registry, service) }))
    .sort((a, b) => (a.service.typeName < b.service.typeName ? -1 : 1));
  const names = all.flatMap(({ methods }) => methods.map(({ path }) => dotted(path)));
  if (names.length === 0) {
    throw new SelectionError('these descriptor sets have no services: give the sets of the services that you call');
  }
  const prefixes = only.map(dotted);
  for (const [index, prefix] of prefixes.entries()) {
    if (prefix === '' || !names.some((name) => isWithin(name, prefix))) {
      throw new SelectionError(`no method is within ${JSON.stringify(only[index])}: ${whatIsThere(names, prefix)}`);
    }
  }
  const isSelected = ({ path }: SelectedMethod): boolean =>
    prefixes.length === 0 || prefixes.some((prefix) => isWithin(dotted(path), prefix));
  const selected = all.map(({ service, methods }) => ({ service, methods: methods.filter(isSelected) }));
  const streaming = selected.flatMap(({ methods }) => methods.filter(streams).map(({ path }) => path));
  const services = selected
    .map(({ service, methods }) => ({ service, methods: methods.filter((method) => !streams(method)) }))
    .filter(({ methods }) => methods.length > 0);
  if (services.length === 0) {
    throw new SelectionError(`${streaming.join(', ')}: only streaming methods, and there are no types for these`);
  }
  return { services, streaming };
}

function streams({ method }: SelectedMethod): boolean {
  return method.methodKind !== 'unary';
}

/**
 * `rpc Create` and `rpc create` would share a TypeScript property. All methods are named before the selection, so that
 * generating more of them later renames nothing.
 */
function named(registry: DescriptorRegistry, service: DescService): SelectedMethod[] {
  const taken = new Set<string>();
  const starts = new Map(operationMethods(registry, service, START_RULES).map((start) => [start.method, start]));
  return service.methods.map((method) => {
    const start = starts.get(method);
    return {
      path: `/${service.typeName}/${method.name}`,
      method,
      property: unique(method.localName, taken),
      ...(start && { start }),
    };
  });
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
