import { create, toJson, type DescMessage, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { protoCamelCase, protoSnakeCase } from '@bufbuild/protobuf/reflect';
import { DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { Unreadable } from './value-problems';

type Fold = (fields: JsonObject, bytes: Uint8Array) => JsonValue | Unreadable;

const wrapped: Fold = ({ value = null }) => value;

/** The canonical JSON of a Timestamp. */
export const timestampJson: Fold = ({ seconds, nanos }, bytes) => {
  // A null field has already been added to the problems.
  if (typeof seconds !== 'string' || typeof nanos !== 'number') return null;
  const inRange = Number(seconds) >= -62_135_596_800 && Number(seconds) <= 253_402_300_799;
  if (inRange && nanos >= 0 && nanos < 1e9) {
    return toJson(TimestampSchema, create(TimestampSchema, { seconds: BigInt(seconds), nanos }));
  }
  return new Unreadable(`${seconds} s and ${nanos} ns are no time of the years 1 to 9999`, bytes);
};

const durationJson: Fold = ({ seconds, nanos }, bytes) => {
  if (typeof seconds !== 'string' || typeof nanos !== 'number') return null;
  const inRange = Math.abs(Number(seconds)) <= 315_576_000_000 && Math.abs(nanos) < 1e9;
  if (inRange && Math.sign(Number(seconds)) * Math.sign(nanos) >= 0) {
    return toJson(DurationSchema, create(DurationSchema, { seconds: BigInt(seconds), nanos }));
  }
  const problem = `${seconds} s and ${nanos} ns are no duration of at most 10,000 years whose parts have one sign`;
  return new Unreadable(problem, bytes);
};

/** Functions that turn the fields of a well-known type into its special canonical JSON. */
const FOLDS: Record<string, Fold> = {
  Timestamp: timestampJson,
  Duration: durationJson,
  FieldMask: ({ paths }) =>
    Array.isArray(paths) ? paths.flatMap((path) => (typeof path === 'string' ? pathToJson(path) : [])).join() : '',
  Struct: ({ fields = {} }) => fields,
  ListValue: ({ values = [] }) => values,
  Value: (fields, bytes) => {
    const { numberValue } = fields;
    // NaN and infinities: a double field has them as strings.
    if (typeof numberValue === 'string') return new Unreadable(`${numberValue} is not a JSON number`, bytes);
    for (const kind in fields) return fields[kind] ?? null;
    return new Unreadable('a google.protobuf.Value without a kind', bytes);
  },
  BoolValue: wrapped,
  StringValue: wrapped,
  BytesValue: wrapped,
  Int32Value: wrapped,
  UInt32Value: wrapped,
  Int64Value: wrapped,
  UInt64Value: wrapped,
  FloatValue: wrapped,
  DoubleValue: wrapped,
};

const folds = new Map(Object.entries(FOLDS).map(([name, fold]) => [`google.protobuf.${name}`, fold]));

/** The function for a type; undefined if the object of its fields is its canonical JSON. */
export function foldOf({ typeName }: DescMessage): Fold | undefined {
  return folds.get(typeName);
}

/** The canonical JSON of a FieldMask path, or the proto name if there is none, as for `mongodb_5_0`. */
function pathToJson(path: string): string {
  const camelCase = protoCamelCase(path);
  return protoSnakeCase(camelCase) === path ? camelCase : path;
}
