import type { DescriptorProto, FileDescriptorProto } from '@bufbuild/protobuf/wkt';

/** The JSON name that protoc gives a field: letters after an underscore in upper case, underscores dropped. */
export function jsonName(fieldName: string): string {
  return fieldName.replace(/_+(.?)/g, (_, next: string) => next.toUpperCase());
}

/** Sets that Python wrote leave `json_name` empty, which would name every field `''`: fill it in. */
export function fillJsonNames(file: FileDescriptorProto): void {
  const pending: DescriptorProto[] = [...file.messageType];
  for (let message = pending.pop(); message; message = pending.pop()) {
    for (const field of message.field) if (field.jsonName === '') field.jsonName = jsonName(field.name);
    pending.push(...message.nestedType);
  }
}
