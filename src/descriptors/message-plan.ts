import { isUtf8 } from 'buffer';
import {
  enumToJson,
  ScalarType,
  type DescEnum,
  type DescField,
  type DescMessage,
  type JsonValue,
} from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import { NOT_UTF8, Unreadable } from './value-problems';
import type { WireRecords } from './wire-records';

const { Varint, Bit32, Bit64, LengthDelimited, StartGroup } = WireType;
const NOTHING = new Uint8Array();

/** How to read one value. */
export interface ValuePlan {
  wireType: WireType;
  /** Undefined if the bytes are decoded later. */
  read?: (records: WireRecords) => JsonValue | Unreadable;
  message?: DescMessage;
  /** The value if it is not on the wire. */
  zero: JsonValue | Uint8Array;
}

/** How to read an entry of a map. */
export interface EntryPlan {
  key: ValuePlan;
  value: ValuePlan;
}

/** How to read a field: its value, an element of its list, or an entry of its map. */
export interface FieldPlan extends ValuePlan {
  number: number;
  /** The index among the fields of the message. */
  index: number;
  /** The JSON name. */
  key: string;
  isList: boolean;
  /** Whether one record can hold several values of the list. */
  isPackable: boolean;
  entry?: EntryPlan;
  isRequired: boolean;
  /** The JSON value if the field is not on the wire; undefined if the JSON omits the field. */
  absent?: () => JsonValue;
  /** The index of the field's oneof within the message. */
  oneof?: number;
}

interface MessagePlan {
  fields: FieldPlan[];
  byNumber: Map<number, FieldPlan>;
}

const plans = new WeakMap<DescMessage, MessagePlan>();

/** How to read messages of a type. Computed once per type. */
export function planOf(schema: DescMessage): MessagePlan {
  const known = plans.get(schema);
  if (known) return known;
  const fields = [...schema.fields].sort((a, b) => a.number - b.number).map((field, index) => planField(field, index));
  const plan = { fields, byNumber: new Map(fields.map((field) => [field.number, field])) };
  plans.set(schema, plan);
  return plan;
}

function planField(field: DescField, index: number): FieldPlan {
  const value = planValue(field);
  const common = {
    number: field.number,
    index,
    key: field.jsonName,
    isList: field.fieldKind === 'list',
    isPackable: field.fieldKind === 'list' && value.read !== undefined && value.wireType !== LengthDelimited,
    isRequired: field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED,
    ...(field.oneof && { oneof: field.parent.oneofs.indexOf(field.oneof) }),
  };
  switch (field.fieldKind) {
    case 'map': {
      const entry = { key: planScalar(field.mapKey), value };
      return { ...common, wireType: LengthDelimited, zero: NOTHING, entry, absent: () => ({}) };
    }
    case 'list':
      return { ...common, ...value, absent: () => [] };
    default: {
      // Fields without presence are always in the JSON.
      const { zero } = value;
      const isEmitted = field.presence === FeatureSet_FieldPresence.IMPLICIT && !(zero instanceof Uint8Array);
      return { ...common, ...value, ...(isEmitted && { absent: () => zero }) };
    }
  }
}

function planValue(field: DescField): ValuePlan {
  if (field.message) {
    const isGroup = field.fieldKind !== 'map' && field.delimitedEncoding;
    return { wireType: isGroup ? StartGroup : LengthDelimited, message: field.message, zero: NOTHING };
  }
  return field.enum ? planEnum(field.enum) : planScalar(field.scalar);
}

/** Enum values become names, or numbers if they have no name. */
function planEnum(schema: DescEnum): ValuePlan {
  const isNull = schema.typeName === 'google.protobuf.NullValue';
  const json = (number: number): JsonValue =>
    isNull ? null : schema.value[number] ? enumToJson(schema, number) : number;
  return {
    wireType: Varint,
    read: (records) => json(records.reader().int32()),
    zero: json(schema.values[0]?.number ?? 0),
  };
}

function planScalar(type: ScalarType): ValuePlan {
  const [wireType, zero, read] = SCALARS[type];
  return { wireType, zero, read };
}

/** NaN and infinities are strings in canonical JSON. */
function numberJson(value: number): JsonValue {
  return Number.isFinite(value) ? value : String(value);
}

function base64({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('base64');
}

/** U+FFFD in a decoded string may come from invalid UTF-8: only then are the bytes checked. */
function text(records: WireRecords): JsonValue | Unreadable {
  const found = records.reader().string(false);
  return found.includes('\ufffd') && !isUtf8(records.content()) ? new Unreadable(NOT_UTF8, records.content()) : found;
}

const SCALARS: Record<ScalarType, [WireType, zero: JsonValue, (records: WireRecords) => JsonValue | Unreadable]> = {
  [ScalarType.BOOL]: [Varint, false, (records) => records.reader().bool()],
  [ScalarType.INT32]: [Varint, 0, (records) => records.reader().int32()],
  [ScalarType.SINT32]: [Varint, 0, (records) => records.reader().sint32()],
  [ScalarType.UINT32]: [Varint, 0, (records) => records.reader().uint32()],
  [ScalarType.INT64]: [Varint, '0', (records) => String(records.reader().int64())],
  [ScalarType.SINT64]: [Varint, '0', (records) => String(records.reader().sint64())],
  [ScalarType.UINT64]: [Varint, '0', (records) => String(records.reader().uint64())],
  [ScalarType.FIXED32]: [Bit32, 0, (records) => records.reader().fixed32()],
  [ScalarType.SFIXED32]: [Bit32, 0, (records) => records.reader().sfixed32()],
  [ScalarType.FIXED64]: [Bit64, '0', (records) => String(records.reader().fixed64())],
  [ScalarType.SFIXED64]: [Bit64, '0', (records) => String(records.reader().sfixed64())],
  [ScalarType.FLOAT]: [Bit32, 0, (records) => numberJson(records.reader().float())],
  [ScalarType.DOUBLE]: [Bit64, 0, (records) => numberJson(records.reader().double())],
  [ScalarType.BYTES]: [LengthDelimited, '', (records) => base64(records.content())],
  [ScalarType.STRING]: [LengthDelimited, '', text],
};
