import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  MethodOptionsSchema,
  ServiceOptionsSchema,
  type FieldDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';

type Unknown = { no: number; wireType: WireType; data: Uint8Array };

/** A string option of an extension. */
export function stringOption(no: number, value: string): Unknown {
  return { no, wireType: WireType.LengthDelimited, data: new BinaryWriter().string(value).finish() };
}

/** A message option of an extension, by the numbers and values of its fields. */
export function messageOption(no: number, fields: Record<number, string | number>): Unknown {
  const message = new BinaryWriter();
  for (const [field, value] of Object.entries(fields)) {
    if (typeof value === 'number') message.tag(Number(field), WireType.Varint).uint32(value);
    else message.tag(Number(field), WireType.LengthDelimited).string(value);
  }
  return { no, wireType: WireType.LengthDelimited, data: new BinaryWriter().bytes(message.finish()).finish() };
}

export function varintOption(no: number, value: number): Unknown {
  return { no, wireType: WireType.Varint, data: new BinaryWriter().uint32(value).finish() };
}

interface Field {
  name: string;
  /** The full name of a message. @default a string */
  type?: string;
  options?: Unknown[];
}
interface Method {
  name: string;
  input: string;
  output: string;
  options?: Unknown[];
}
interface File {
  package: string;
  messages?: Record<string, Field[]>;
  services?: Record<string, { methods: Method[]; options?: Unknown[] }>;
}

function withUnknown<T extends { $unknown?: Unknown[] | undefined }>(options: T, unknown: Unknown[] = []): T {
  options.$unknown = unknown;
  return options;
}

/** A FileDescriptorSet. Fields are numbered from 1; types are full names. */
export function descriptorSet(...files: File[]): Uint8Array {
  const names = files.map((file) => `${file.package}.proto`);
  const file = files.map(({ package: name, messages = {}, services = {} }) =>
    create(FileDescriptorProtoSchema, {
      name: `${name}.proto`,
      package: name,
      syntax: 'proto3',
      dependency: names.slice(0, names.indexOf(`${name}.proto`)),
      messageType: Object.entries(messages).map(([message, fields]) => ({
        name: message,
        field: fields.map((field, i) => fieldOf(field, i + 1)),
      })),
      service: Object.entries(services).map(([service, { methods, options = [] }]) => ({
        name: service,
        options: withUnknown(create(ServiceOptionsSchema), options),
        method: methods.map((method) => ({
          name: method.name,
          inputType: `.${method.input}`,
          outputType: `.${method.output}`,
          options: withUnknown(create(MethodOptionsSchema), method.options),
        })),
      })),
    }),
  );
  return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file }));
}

function fieldOf(
  { name, type, options = [] }: Field,
  number: number,
): MessageInitShape<typeof FieldDescriptorProtoSchema> {
  return {
    name,
    number,
    label: FieldDescriptorProto_Label.OPTIONAL,
    ...(type === undefined
      ? { type: FieldDescriptorProto_Type.STRING }
      : { type: FieldDescriptorProto_Type.MESSAGE, typeName: `.${type}` }),
    options: withUnknown(create(FieldOptionsSchema), options),
  };
}
