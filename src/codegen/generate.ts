import { clearField, clone, create, toBinary, type DescFile } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { DescriptorRegistry } from '../descriptors/registry';
import { emitModules, type ModuleFormat } from './modules';
import { nameAll } from './names';
import { selectMethods } from './select';
import { neededShapes } from './shapes';

/** The descriptor set for workers, next to the modules. */
export const DESCRIPTORS_FILE = 'descriptors.binpb';

export interface Generated {
  /** File contents by path below the output directory. */
  files: Map<string, string | Uint8Array>;
  services: number;
  /** How many methods start an operation. */
  starts: number;
  /** How many unary methods start none. */
  others: number;
  /** The paths of streaming methods, which are left out. */
  streaming: string[];
  /** One line for each type name that is not in the sets; the generated type is AnyJson. */
  problems: string[];
}

/**
 * Generates typed methods: one module per proto package, with the unary methods and the JSON types of their requests,
 * responses and metadata, and a descriptor set with only what a worker needs for them. Output is deterministic. `only`
 * lists prefixes of packages, services or methods; if empty, all methods are generated. Throws a SelectionError if there
 * is nothing to generate, and a DescriptorError if a set lacks an imported file.
 */
export function generate(
  registry: DescriptorRegistry,
  only: readonly string[] = [],
  format: ModuleFormat = 'typescript',
): Generated {
  const { services, streaming } = selectMethods(registry, only);
  const methods = services.flatMap((service) => service.methods);
  const starts = methods.flatMap(({ start }) => start ?? []);
  const shapes = neededShapes(methods);
  const requests = new Set([...registry.services()].flatMap((service) => service.methods.map(({ input }) => input)));
  const names = nameAll(
    services.map(({ service }) => service),
    shapes,
    requests,
  );
  const readers = starts.flatMap(({ resource }) => resource?.method.parent ?? []);
  const descs = [...services.map(({ service }) => service), ...readers, ...shapes.enums, ...shapes.messages.keys()];
  return {
    files: new Map<string, string | Uint8Array>([
      ...emitModules(services, shapes, names, format),
      [DESCRIPTORS_FILE, pruneDescriptors(new Set(descs.map(({ file }) => file)))],
    ]),
    services: services.length,
    starts: starts.length,
    others: methods.length - starts.length,
    streaming,
    problems: starts.flatMap(({ path, unresolved }) =>
      unresolved.map((name) => `${path} names ${name}, which is in none of the sets: AnyJson stands for it`),
    ),
  };
}

/**
 * A FileDescriptorSet of the files and their imports, imports first: all that a worker needs to start the methods and
 * to decode the replies. Without source info, which makes up most of a set.
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
