import type { DescriptorRegistry } from '../descriptors/registry';
import { emitModules } from './module';
import { nameAll } from './names';
import { pruneDescriptors } from './prune';
import { selectMethods } from './select';
import { neededShapes } from './shapes';

/** The descriptor set for workers, beside the modules. */
export const DESCRIPTORS_FILE = 'descriptors.binpb';

export interface Generated {
  /** Path below the output directory to content. */
  files: Map<string, string | Uint8Array>;
  services: number;
  methods: number;
  /** One line for each name that the sets do not have; its type is AnyJson. */
  problems: string[];
}

/**
 * Typed operation methods: a module for each proto package, with the methods that start operations and the JSON types of
 * what they send and receive, and a descriptor set pruned to what a worker needs for them. The same input gives the same
 * output, byte for byte. `only` are prefixes of packages, services or methods; without any, all methods.
 * Throws a SelectionError where there is nothing to generate, and a DescriptorError where a set lacks what it imports.
 */
export function generate(registry: DescriptorRegistry, only: readonly string[] = []): Generated {
  const services = selectMethods(registry, only);
  const methods = services.flatMap((service) => service.methods);
  const shapes = neededShapes(methods);
  const requests = new Set([...registry.services()].flatMap((service) => service.methods.map(({ input }) => input)));
  const names = nameAll(
    services.map(({ service }) => service),
    shapes,
    requests,
  );
  const descs = [...services.map(({ service }) => service), ...shapes.enums, ...shapes.messages.keys()];
  return {
    files: new Map<string, string | Uint8Array>([
      ...emitModules(services, shapes, names),
      [DESCRIPTORS_FILE, pruneDescriptors(new Set(descs.map(({ file }) => file)))],
    ]),
    services: services.length,
    methods: methods.length,
    problems: methods.flatMap(({ path, unresolved }) =>
      unresolved.map((name) => `${path} names ${name}, which is in none of the sets: AnyJson stands for it`),
    ),
  };
}
