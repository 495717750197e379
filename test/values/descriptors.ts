import { create, fromJson, toBinary, type DescMessage, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { FileDescriptorSetSchema, MethodOptionsSchema } from '@bufbuild/protobuf/wkt';
import { loadDescriptors } from '../../src/descriptors/load';

// A method whose operations carry every kind of value that canonical JSON cannot express.

const field = (number: number, name: string, type: string, more: JsonObject = {}): JsonObject => ({
  name,
  number,
  label: 'LABEL_OPTIONAL',
  ...(type === '.values.v1.State' || type === '.google.protobuf.NullValue'
    ? { type: 'TYPE_ENUM', typeName: type }
    : type.startsWith('.')
      ? { type: 'TYPE_MESSAGE', typeName: type }
      : { type: `TYPE_${type.toUpperCase()}` }),
  ...more,
});
const repeated = { label: 'LABEL_REPEATED' };
const mapEntry = (name: string, key: string, value: string): JsonObject => ({
  name,
  field: [field(1, 'key', key), field(2, 'value', value)],
  options: { mapEntry: true },
});

const PROTO3: JsonObject = {
  name: 'values.proto',
  package: 'values.v1',
  syntax: 'proto3',
  dependency: [
    ...['any', 'duration', 'field_mask', 'struct', 'timestamp', 'wrappers'].map(
      (name) => `google/protobuf/${name}.proto`,
    ),
    'legacy.proto',
    'yandex/cloud/operation/operation.proto',
  ],
  messageType: [
    {
      name: 'Thing',
      field: [
        field(1, 'id', 'string'),
        field(2, 'created_at', '.google.protobuf.Timestamp'),
        field(3, 'ttl', '.google.protobuf.Duration'),
        field(4, 'free_form', '.google.protobuf.Struct'),
        field(5, 'anything', '.google.protobuf.Value'),
        field(6, 'list', '.google.protobuf.ListValue'),
        field(7, 'labels', '.values.v1.Thing.LabelsEntry', repeated),
        field(8, 'hosts', '.values.v1.Host', repeated),
        field(9, 'names', 'string', repeated),
        field(10, 'blob', 'bytes'),
        field(11, 'detail', '.google.protobuf.Any'),
        field(12, 'things', '.values.v1.Thing.ThingsEntry', repeated),
        field(13, 'child', '.values.v1.Thing'),
        field(14, 'times', '.google.protobuf.Timestamp', repeated),
        field(15, 'text', 'string', { oneofIndex: 0 }),
        field(16, 'host', '.values.v1.Host', { oneofIndex: 0 }),
        field(17, 'nothing', '.google.protobuf.NullValue', { oneofIndex: 0 }),
        field(18, 'sizes', 'int32', repeated),
        field(19, 'legacy', '.values.v1.Legacy'),
        field(20, 'ratio', 'double'),
        field(21, 'state', '.values.v1.State'),
        field(22, 'mask', '.google.protobuf.FieldMask'),
        field(23, 'maybe', '.google.protobuf.StringValue'),
        field(24, 'network_id', 'string'),
        field(25, 'size', 'int64'),
      ],
      oneofDecl: [{ name: 'choice' }],
      nestedType: [mapEntry('LabelsEntry', 'string', 'string'), mapEntry('ThingsEntry', 'int64', '.values.v1.Thing')],
    },
    {
      name: 'Host',
      field: [
        field(1, 'name', 'string'),
        field(2, 'labels', '.values.v1.Host.LabelsEntry', repeated),
        field(3, 'seen_at', '.google.protobuf.Timestamp'),
      ],
      nestedType: [mapEntry('LabelsEntry', 'string', 'string')],
    },
    { name: 'CreateThingRequest', field: [field(1, 'name', 'string')] },
  ],
  enumType: [
    {
      name: 'State',
      value: [
        { name: 'STATE_UNSPECIFIED', number: 0 },
        { name: 'RUNNING', number: 1 },
      ],
    },
  ],
  service: [
    {
      name: 'ThingService',
      method: [
        {
          name: 'Create',
          inputType: '.values.v1.CreateThingRequest',
          outputType: '.yandex.cloud.operation.Operation',
          options: {},
        },
      ],
    },
  ],
};

const PROTO2: JsonObject = {
  name: 'legacy.proto',
  package: 'values.v1',
  syntax: 'proto2',
  messageType: [
    {
      name: 'Legacy',
      field: [
        field(1, 'name', 'string', { label: 'LABEL_REQUIRED' }),
        field(2, 'note', 'string'),
        field(3, 'extra', '.values.v1.Legacy.Extra', { type: 'TYPE_GROUP' }),
        field(4, 'grade', '.values.v1.Legacy.Grade', { type: 'TYPE_ENUM' }),
      ],
      nestedType: [{ name: 'Extra', field: [field(1, 'note', 'string')] }],
      enumType: [{ name: 'Grade', value: [{ name: 'GOOD', number: 1 }] }],
    },
  ],
};

/** `(yandex.cloud.api.operation) = { metadata: "Thing" response: "Thing" }` */
const OPERATION_OPTION = 87334;

function descriptorSet(): Uint8Array {
  const set = fromJson(FileDescriptorSetSchema, { file: [PROTO2, PROTO3] });
  const option = new BinaryWriter().tag(1, WireType.LengthDelimited).string('Thing');
  option.tag(2, WireType.LengthDelimited).string('Thing');
  const data = new BinaryWriter().bytes(option.finish()).finish();
  for (const { method } of set.file.flatMap(({ service }) => service)) {
    for (const one of method) {
      one.options = create(MethodOptionsSchema);
      one.options.$unknown = [{ no: OPERATION_OPTION, wireType: WireType.LengthDelimited, data }];
    }
  }
  return toBinary(FileDescriptorSetSchema, set);
}

export const DESCRIPTORS = descriptorSet();
export const registry = loadDescriptors([DESCRIPTORS]);
export const THING = 'type.googleapis.com/values.v1.Thing';

export function schemaOf(typeName: string): DescMessage {
  const schema = registry.getMessage(typeName);
  if (!schema) throw new Error(`There is no ${typeName}`);
  return schema;
}

export const Thing = schemaOf('values.v1.Thing');

/** Serializes a message from its canonical JSON. */
export function bytesOf(typeName: string, json: JsonValue): Uint8Array {
  const schema = schemaOf(typeName);
  return toBinary(schema, fromJson(schema, json, { registry }));
}

/** A length-delimited field: a text, a message, an Any. */
export function part(number: number, ...content: (Uint8Array | string | number[])[]): Uint8Array {
  const bytes = Buffer.concat(content.map((one) => Buffer.from(one)));
  return new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(bytes).finish();
}

/** The tag and the length of such a field. */
export function head(number: number, length: number): Uint8Array {
  return new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(length).finish();
}

/** A varint field: an int64, int32, bool or enum. */
export function varint(number: number, value: number | bigint): Uint8Array {
  return new BinaryWriter().tag(number, WireType.Varint).int64(BigInt(value).toString()).finish();
}

export function double(number: number, value: number): Uint8Array {
  return new BinaryWriter().tag(number, WireType.Bit64).double(value).finish();
}

/** Bytes that are not UTF-8. */
export const NO_TEXT = Uint8Array.of(0x63, 0x61, 0x66, 0xe9);
/** The first second of the year 10000, as a Timestamp. */
export const TOO_LATE = varint(1, 253_402_300_800);
