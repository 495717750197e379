import { clearField, clone, create, toBinary, type DescFile } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { DescriptorRegistry } from '../descriptors/registry';
import { emitModules, nameAll } from './module';
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

/**
 * A FileDescriptorSet of some files and of what they import, imports first: what a worker needs to start the methods in
 * them and to read what comes back. Without source info, which is most of a set that has it.
 */
function pruneDescriptors(files: Iterable<DescFile>): Uint8Array {
  const kept = new Set<DescFile>();
  const keep = (file: DescFile): void => {
    if (kept.has(file)) return;
    for (const dependency of file.dependencies) keep(dependency);
    kept.add(file);
  };
  for (const file of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) keep(file);
  return toBinary(
    FileDescriptorSetSchema,
    create(FileDescriptorSetSchema, {
      file: [...kept].map(({ proto }) => {
        const bare = clone(FileDescriptorProtoSchema, proto);
        clearField(bare, FileDescriptorProtoSchema.field.sourceCodeInfo);
        return bare;
      }),
    }),
  );
}
