import type { DescEnum, DescFile, DescMessage, DescService } from '@bufbuild/protobuf';

type Commented =
  | DescEnum
  | DescEnum['values'][number]
  | DescMessage
  | DescMessage['fields'][number]
  | DescService
  | DescService['methods'][number];

/** The comments in the .proto above a declaration, else after it. Requires a descriptor set with source info. */
export class Comments {
  readonly #files = new Map<DescFile, Map<Commented, string>>();

  /** Empty if there is no comment. Marks deprecated declarations. */
  of(desc: Commented): string {
    const file = 'file' in desc ? desc.file : desc.parent.file;
    let comments = this.#files.get(file);
    if (!comments) this.#files.set(file, (comments = read(file)));
    const text = comments.get(desc) ?? '';
    if (!desc.deprecated) return text;
    return text === '' ? '@deprecated' : `${text}\n\n@deprecated`;
  }
}

/** A source location is a path of field numbers and indices in the FileDescriptorProto. */
function read(file: DescFile): Map<Commented, string> {
  const comments = new Map<Commented, string>();
  const texts = new Map<string, string>();
  for (const { path, leadingComments, trailingComments } of file.proto.sourceCodeInfo?.location ?? []) {
    const text = leadingComments || trailingComments;
    if (text) texts.set(path.join(), unindented(text));
  }
  if (texts.size === 0) return comments;
  const note = (desc: Commented, path: number[]): void => {
    const text = texts.get(path.join());
    if (text !== undefined) comments.set(desc, text);
  };
  const noteEnum = (type: DescEnum, path: number[]): void => {
    note(type, path);
    for (const [i, value] of type.values.entries()) note(value, [...path, 2, i]);
  };
  const noteMessage = (message: DescMessage, path: number[]): void => {
    note(message, path);
    for (const field of message.fields) note(field, [...path, 2, message.proto.field.indexOf(field.proto)]);
    for (const nested of message.nestedMessages) {
      noteMessage(nested, [...path, 3, message.proto.nestedType.indexOf(nested.proto)]);
    }
    for (const [i, nested] of message.nestedEnums.entries()) noteEnum(nested, [...path, 4, i]);
  };
  for (const [i, message] of file.messages.entries()) noteMessage(message, [4, i]);
  for (const [i, type] of file.enums.entries()) noteEnum(type, [5, i]);
  for (const [i, service] of file.services.entries()) {
    note(service, [6, i]);
    for (const [j, method] of service.methods.entries()) note(method, [6, i, 2, j]);
  }
  return comments;
}

/** Removes the space that follows `//` and `*` in the source. */
function unindented(text: string): string {
  return text.replace(/^ /gm, '').trimEnd();
}
