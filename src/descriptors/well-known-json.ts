import { create, toJson, type DescMessage, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { DurationSchema, FieldMaskSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { Unreadable } from './wire-values';

type Fold = (fields: JsonObject, bytes: Uint8Array) => JsonValue | Unreadable;

const wrapped: Fold = ({ value = null }) => value;
const span =
  (schema: typeof TimestampSchema | typeof DurationSchema, what: string): Fold =>
  ({ seconds = null, nanos = null }, bytes) => {
    // What is null has been told already.
    if (typeof seconds !== 'string' || typeof nanos !== 'number') return null;
    try {
      return toJson(schema, create(schema, { seconds: BigInt(seconds), nanos }));
    } catch {
      return new Unreadable(`${seconds} s and ${nanos} ns are no ${what}`, bytes);
    }
  };

/** The canonical JSON of a Timestamp, from its fields. */
export const timestampJson: Fold = span(TimestampSchema, 'time of the years 1 to 9999');

/** The canonical JSON of types that are not an object of their fields, from those fields. */
const FOLDS: Record<string, Fold> = {
  Timestamp: timestampJson,
  Duration: span(DurationSchema, 'duration of at most 10,000 years whose parts have one sign'),
  FieldMask: ({ paths }) =>
    Array.isArray(paths) ? paths.flatMap((path) => (typeof path === 'string' ? pathToJson(path) : [])).join() : '',
  Struct: ({ fields = {} }) => fields,
  ListValue: ({ values = [] }) => values,
  Value: (fields, bytes) => {
    const { numberValue } = fields;
    // NaN and infinities, which a field of type double writes as texts.
    if (typeof numberValue === 'string') return new Unreadable(`${numberValue} is no number of JSON`, bytes);
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

/** How the fields of such a type become its canonical JSON; undefined where they are its canonical JSON. */
export function foldOf({ typeName }: DescMessage): Fold | undefined {
  return folds.get(typeName);
}

/** The canonical JSON of a path of a FieldMask, or its proto name where that has none, as of `mongodb_5_0`. */
function pathToJson(path: string): string {
  try {
    return toJson(FieldMaskSchema, create(FieldMaskSchema, { paths: [path] }));
  } catch {
    return path;
  }
}
