import { create, fromJson, toBinary, type JsonObject } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema, MethodOptionsSchema } from '@bufbuild/protobuf/wkt';

/** A field, which holds a message if `type` begins with a dot. */
export function field(name: string, number: number, type: string): JsonObject {
  const typed = type.startsWith('.') ? { type: 'TYPE_MESSAGE', typeName: type } : { type };
  return { name, number, label: 'LABEL_OPTIONAL', ...typed };
}

/** A file in the style of google.longrunning, whose set does not define the option that its methods use. */
export function googleSet(contents: JsonObject, response: string, metadata: string): Uint8Array {
  const file = fromJson(FileDescriptorProtoSchema, {
    syntax: 'proto3',
    dependency: ['google/longrunning/operations.proto'],
    ...contents,
  });
  const info = new BinaryWriter().tag(1, WireType.LengthDelimited).string(response).tag(2, WireType.LengthDelimited);
  const option = new BinaryWriter().bytes(info.string(metadata).finish()).finish();
  const options = create(MethodOptionsSchema);
  options.$unknown = [{ no: 1049, wireType: WireType.LengthDelimited, data: option }];
  for (const service of file.service) for (const method of service.method) method.options = options;
  const operations = fromJson(FileDescriptorProtoSchema, {
    name: 'google/longrunning/operations.proto',
    package: 'google.longrunning',
    syntax: 'proto3',
    messageType: [{ name: 'Operation' }],
  });
  return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [operations, file] }));
}
