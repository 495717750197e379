import { fromBinary, toJson, type DescMessage, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import type { DescriptorRegistry } from './registry';
import { pathsToJson, putBack, setAside } from './set-aside';

/** An Any as it comes off the wire. */
export interface RawAny {
  typeUrl: string;
  value: Uint8Array;
}

/** An Any within an Any within an Any …: deeper than this it is kept as bytes. */
const MAXIMUM_NESTING = 32;

/** Types whose canonical JSON is not an object of their fields: within an Any it stands under `value`. */
const OWN_JSON = new Set(
  'Any Duration Timestamp FieldMask Struct Value ListValue BoolValue StringValue BytesValue Int32Value UInt32Value Int64Value UInt64Value FloatValue DoubleValue'
    .split(' ')
    .map((name) => `google.protobuf.${name}`),
);

/**
 * Canonical proto3 JSON of an Any, with the fields that have no presence always emitted. Never throws: what cannot be
 * read (no descriptor, broken bytes, too deep) is `{ '@type', base64, problem }` in its place, nested ones included,
 * and the rest survives.
 */
export function anyToJson(any: RawAny, registry: DescriptorRegistry, nesting = 0): JsonObject & { '@type': string } {
  const typeName = any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1);
  try {
    if (nesting > MAXIMUM_NESTING) throw new Error(`nested deeper than ${MAXIMUM_NESTING} levels`);
    const schema = registry.getMessage(typeName);
    if (!schema) throw new Error(`no descriptor of ${typeName === '' ? 'a type without a name' : typeName}`);
    return { '@type': any.typeUrl, ...fields(schema, any.value, registry, nesting) };
  } catch (err) {
    return {
      '@type': any.typeUrl,
      base64: Buffer.from(any.value).toString('base64'),
      problem: err instanceof Error ? err.message : String(err),
    };
  }
}

/** Canonical JSON as that of an Any, without a type. Throws where the bytes are no such message. */
export function bytesToJson(
  schema: DescMessage,
  value: Uint8Array,
  registry: DescriptorRegistry,
  nesting = 0,
): JsonValue {
  const message = fromBinary(schema, value);
  // Each is converted on its own: one that cannot be read must not spoil what holds it.
  const taken = setAside(schema, message).map((part) =>
    'any' in part ? anyToJson(part.any, registry, nesting + 1) : pathsToJson(part.paths),
  );
  return putBack(toJson(schema, message, { registry, alwaysEmitImplicit: true }), taken);
}

function fields(schema: DescMessage, value: Uint8Array, registry: DescriptorRegistry, nesting: number): JsonObject {
  const json = bytesToJson(schema, value, registry, nesting);
  if (OWN_JSON.has(schema.typeName)) return { value: json };
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
  throw new Error(`the JSON of ${schema.typeName} is not an object`);
}
