import {
  type DescFile,
  type DescMessage,
  type DescService,
  type Registry,
  createFileRegistry,
  fromBinary,
} from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import {
  type DescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  file_google_protobuf_any,
  file_google_protobuf_descriptor,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
} from '@bufbuild/protobuf/wkt';
import { messageOf } from '../model/thrown';

/** In every registry, because sets are often built without these files. */
const WELL_KNOWN = [
  file_google_protobuf_any,
  file_google_protobuf_descriptor,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
];

type Descriptor = ReturnType<typeof nestedTypes> extends Iterable<infer D> ? D : never;

/** A descriptor set cannot be read or lacks an imported file. */
export class DescriptorError extends Error {
  override readonly name = 'DescriptorError';
}

/**
 * The types and services of FileDescriptorSets, decoded on first use: indexing all of Yandex Cloud (1,000 files) takes
 * about 35 ms and little memory, and a worker decodes only the types that it needs.
 * If two sets contain a file of the same name, the first one wins.
 */
export class DescriptorRegistry implements Registry {
  readonly kind = 'registry';
  /** File name to the bytes of its FileDescriptorProto. */
  readonly #files = new Map<string, Uint8Array>();
  /** Full name of a top-level type or service to the file that declares it. */
  readonly #declaredIn = new Map<string, string>();
  readonly #built = new Map<string, DescFile>();
  readonly #types = new Map<string, Descriptor>();
  /** Files whose imports are being built. */
  readonly #linking = new Set<string>();

  constructor() {
    for (const file of WELL_KNOWN) this.#register(file);
  }

  getMessage(typeName: string): DescMessage | undefined {
    const found = this.get(typeName);
    return found?.kind === 'message' ? found : undefined;
  }

  getService(typeName: string): DescService | undefined {
    const found = this.get(typeName);
    return found?.kind === 'service' ? found : undefined;
  }

  getEnum(typeName: string): ReturnType<Registry['getEnum']> {
    const found = this.get(typeName);
    return found?.kind === 'enum' ? found : undefined;
  }

  getExtension(typeName: string): ReturnType<Registry['getExtension']> {
    const found = this.get(typeName);
    return found?.kind === 'extension' ? found : undefined;
  }

  /** Never finds one: operations do not use extensions. */
  getExtensionFor(): undefined {
    return undefined;
  }

  /** The descriptor with this full name. Throws a DescriptorError if its file cannot be built. */
  get(typeName: string): Descriptor | undefined {
    const known = this.#types.get(typeName);
    if (known) return known;
    for (let name = typeName; name; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
      const file = this.#declaredIn.get(name);
      if (file !== undefined && !this.#built.has(file)) {
        this.#build(file);
        return this.#types.get(typeName);
      }
    }
    return undefined;
  }

  /** Every service in the sets. */
  *services(): Iterable<DescService> {
    for (const name of [...this.#declaredIn.keys()]) {
      const service = this.getService(name);
      if (service) yield service;
    }
  }

  /** The types decoded so far. */
  [Symbol.iterator](): IterableIterator<Descriptor> {
    return this.#types.values();
  }

  /**
   * Adds a serialized FileDescriptorSet: indexes its files and their top-level names in one pass over the bytes. Throws
   * a DescriptorError if the bytes are not a FileDescriptorSet.
   */
  add(set: Uint8Array): this {
    let files = 0;
    try {
      const reader = new BinaryReader(set);
      while (reader.pos < reader.len) {
        const [field, wireType] = reader.tag();
        if (field === 1 && wireType === WireType.LengthDelimited) {
          this.#indexFile(reader.bytes());
          files++;
        } else {
          reader.skip(wireType, field);
        }
      }
    } catch (err) {
      throw new DescriptorError(`not a FileDescriptorSet (${messageOf(err)})`);
    }
    if (files === 0) throw new DescriptorError('a FileDescriptorSet without files');
    return this;
  }

  #indexFile(bytes: Uint8Array): void {
    let name = '';
    let packageName = '';
    const declared: string[] = [];
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (field === 1) name = reader.string();
      else if (field === 2) packageName = reader.string();
      // 4, 5 and 6 are message_type, enum_type and service.
      else if (field >= 4 && field <= 6 && wireType === WireType.LengthDelimited) declared.push(nameOf(reader.bytes()));
      else reader.skip(wireType, field);
    }
    if (this.#files.has(name) || this.#built.has(name)) return;
    this.#files.set(name, bytes);
    for (const local of declared) this.#declaredIn.set(packageName ? `${packageName}.${local}` : local, name);
  }

  /** Builds imports first: createFileRegistry's own resolver fails if two imports share a third. */
  #build(fileName: string, importedBy?: string): DescFile {
    const built = this.#built.get(fileName);
    if (built) return built;
    const bytes = this.#files.get(fileName);
    if (!bytes) {
      throw new DescriptorError(
        `${fileName}, which ${importedBy ?? 'a type'} imports, is not in the descriptor sets: build them with imports`,
      );
    }
    const file = this.#link(fileName, bytes);
    this.#files.delete(fileName);
    this.#register(file);
    return file;
  }

  #link(fileName: string, bytes: Uint8Array): DescFile {
    if (this.#linking.has(fileName)) throw new DescriptorError(`${fileName} cannot be built: it imports itself`);
    this.#linking.add(fileName);
    try {
      const proto = fromBinary(FileDescriptorProtoSchema, bytes);
      fillJsonNames(proto);
      const imports = new Map(proto.dependency.map((name) => [name, this.#build(name, fileName)]));
      const file = createFileRegistry(proto, (name) => imports.get(name)).getFile(fileName);
      if (file) return file;
      throw new Error('it is not in its own registry');
    } catch (err) {
      if (err instanceof DescriptorError) throw err;
      throw new DescriptorError(`${fileName} cannot be built: ${messageOf(err)}`);
    } finally {
      this.#linking.delete(fileName);
    }
  }

  #register(file: DescFile): void {
    this.#built.set(file.proto.name, file);
    for (const type of nestedTypes(file)) this.#types.set(type.typeName, type);
  }
}

/** Field 1 of DescriptorProto, EnumDescriptorProto and ServiceDescriptorProto. */
function nameOf(bytes: Uint8Array): string {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1 && wireType === WireType.LengthDelimited) return reader.string();
    reader.skip(wireType, field);
  }
  return '';
}

/** The JSON name that protoc gives a field: drops underscores and capitalises the letters after them. */
function jsonName(fieldName: string): string {
  return fieldName.replace(/_+(.?)/g, (_, next: string) => next.toUpperCase());
}

/** Fills in empty JSON names: sets written by Python lack `json_name`, which would name every field `''`. */
function fillJsonNames(file: FileDescriptorProto): void {
  const pending: DescriptorProto[] = [...file.messageType];
  for (let message = pending.pop(); message; message = pending.pop()) {
    for (const field of message.field) if (field.jsonName === '') field.jsonName = jsonName(field.name);
    pending.push(...message.nestedType);
  }
}
