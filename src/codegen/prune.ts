import { clearField, clone, create, toBinary, type DescFile } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/**
 * A FileDescriptorSet of some files and of what they import, imports first: what a worker needs to start the methods in
 * them and to read what comes back. Without source info, which is most of a set that has it.
 */
export function pruneDescriptors(files: Iterable<DescFile>): Uint8Array {
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
