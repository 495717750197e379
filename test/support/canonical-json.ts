import { ScalarType, type DescField, type DescMessage, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';

/** Uniform in [0, 1), the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/** Below this depth only required fields are set. */
const MAXIMUM_DEPTH = 3;

/** Random canonical JSON of a message without empty fields, which must survive a round trip unchanged. */
export function canonicalJson(message: DescMessage, random: () => number, depth = 0): JsonObject {
  const json: JsonObject = {};
  const taken = new Set<string>();
  for (const field of message.fields) {
    const slot = field.oneof?.name ?? field.name;
    const isRequired =
      field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED ||
      (field.proto.options?.$unknown ?? []).some(({ no, data }) => no === 101501 && data[0] === 1);
    if (taken.has(slot) || (!isRequired && !field.oneof && (depth >= MAXIMUM_DEPTH || random() < 0.3))) continue;
    const value = fieldJson(message, field, random, depth);
    if (value === undefined) continue;
    json[field.jsonName] = value;
    taken.add(slot);
  }
  return json;
}

function fieldJson(parent: DescMessage, field: DescField, random: () => number, depth: number): JsonValue | undefined {
  const one = (): JsonValue | undefined => valueJson(parent, field, random, depth);
  switch (field.fieldKind) {
    case 'list': {
      const items = [one(), one()].flatMap((item) => (item === undefined ? [] : [item]));
      return items.length > 0 ? items : undefined;
    }
    case 'map': {
      const value = one();
      const key = field.mapKey === ScalarType.STRING ? '__proto__' : field.mapKey === ScalarType.BOOL ? 'true' : '7';
      return value === undefined ? undefined : Object.fromEntries([[key, value]]);
    }
    default:
      return one();
  }
}

function valueJson(parent: DescMessage, field: DescField, random: () => number, depth: number): JsonValue | undefined {
  if (field.message) {
    const { typeName } = field.message;
    if (typeName === 'google.protobuf.FieldMask') return maskJson(parent);
    return WELL_KNOWN[typeName] ?? canonicalJson(field.message, random, depth + 1);
  }
  if (field.enum) {
    const values = field.enum.values.filter(({ number }) => number !== 0);
    return values[Math.floor(random() * values.length)]?.name;
  }
  switch (field.scalar) {
    case ScalarType.STRING:
      return `ключ ${Math.floor(random() * 1000)}`;
    case ScalarType.BYTES:
      return 'AP/+';
    case ScalarType.BOOL:
      return true;
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return Math.floor(random() * 100) + 0.5;
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return '-9007199254740993';
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return '18446744073709551615';
    default:
      return 1 + Math.floor(random() * 1000);
  }
}

/** Only names that canonical JSON can write: those without a digit after an underscore. */
function maskJson(parent: DescMessage): string | undefined {
  const names = parent.fields.filter(({ name, message }) => !message && /^[a-z0-9]+(_[a-z][a-z0-9]*)*$/.test(name));
  return names.length > 0 ? names.map(({ jsonName }) => jsonName).join(',') : undefined;
}

const WELL_KNOWN: Record<string, JsonValue> = {
  'google.protobuf.Any': { '@type': 'type.googleapis.com/google.protobuf.Duration', value: '1.500s' },
  'google.protobuf.BoolValue': false,
  'google.protobuf.BytesValue': 'AP/+',
  'google.protobuf.DoubleValue': 0.5,
  'google.protobuf.Duration': '1.500s',
  'google.protobuf.Empty': {},
  'google.protobuf.FloatValue': 0.5,
  'google.protobuf.Int32Value': 0,
  'google.protobuf.Int64Value': '-9007199254740993',
  'google.protobuf.ListValue': [1, 'a', null],
  'google.protobuf.StringValue': '',
  'google.protobuf.Struct': { nested: { list: [true] } },
  'google.protobuf.Timestamp': '2026-01-02T03:04:05.006Z',
  'google.protobuf.UInt32Value': 0,
  'google.protobuf.UInt64Value': '18446744073709551615',
  'google.protobuf.Value': { any: ['thing'] },
};
