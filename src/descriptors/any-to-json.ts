import { isUtf8 } from 'buffer';
import type { DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { isObject } from '../model/check';
import { messageOf } from '../model/thrown';
import { planOf, type EntryPlan, type FieldPlan, type ValuePlan } from './message-plan';
import type { DescriptorRegistry } from './registry';
import { NOT_UTF8, Place, Unreadable, UnreadableMessage, ValueProblems } from './value-problems';
import { foldOf } from './well-known-json';
import { WireRecords } from './wire-records';
import { lastOf, readEntry, readValue, readValues, type WireValue } from './wire-values';

/**
 * Canonical proto3 JSON of an Any. Always emits fields without presence. Never throws. A value that canonical JSON
 * cannot express becomes null and is added to `problems` with its path below `place`; other values are not affected. An
 * Any that cannot be decoded (no descriptor, invalid bytes) becomes `{ '@type', base64, problem }`, also if nested.
 */
export function anyToJsonAt(
  place: Place,
  any: RawAny,
  registry: DescriptorRegistry,
  problems: ValueProblems,
): AnyToJson {
  return new MessageReader(registry, problems).any(any, place);
}

/** Like {@link anyToJsonAt}, but outside a snapshot: the problems, if any, are in the JSON as `problems`. */
export function anyToJson(any: RawAny, registry: DescriptorRegistry): AnyToJson {
  const found = new ValueProblems();
  const json = anyToJsonAt(new Place(''), any, registry, found);
  const problems = found.list();
  return problems.length === 0 ? json : { problems, ...json };
}

/** Canonical JSON of a message, without `@type`. Throws if the message or a value in it cannot be expressed. */
export function bytesToJson(schema: DescMessage, value: Uint8Array, registry: DescriptorRegistry): JsonValue {
  const problems = new ValueProblems();
  const json = new MessageReader(registry, problems).message(schema, value, new Place(''));
  const [first] = problems.list();
  if (first) throw new Error([first.path, first.problem].filter((text) => text !== '').join(': '));
  return json;
}

// Destructured once, because the library's enum is behind a getter.
const { LengthDelimited } = WireType;

/** An undecoded Any. */
export interface RawAny {
  typeUrl: string;
  value: Uint8Array;
}

type AnyToJson = JsonObject & { '@type': string };

/** The maximum nesting of messages, the same as in protobuf's own readers. */
const MAXIMUM_DEPTH = 100;
const TOO_DEEP = `nested deeper than ${MAXIMUM_DEPTH} levels`;
const MAXIMUM_SHOWN_NAME = 300;
const NOTHING = new Uint8Array();
const ANY = 'google.protobuf.Any';
/** Messages that do not count as a nesting level: only the messages in them do. */
const TRANSPARENT = new Set([ANY, 'google.protobuf.Value']);

/** Decodes messages from the wire directly to canonical JSON, by their descriptors. */
export class MessageReader {
  readonly #registry: DescriptorRegistry;
  readonly #problems: ValueProblems;
  #depth = 0;

  constructor(registry: DescriptorRegistry, problems: ValueProblems) {
    this.#registry = registry;
    this.#problems = problems;
  }

  /** Never throws: an Any that cannot be decoded becomes `{ '@type', base64, problem }`. */
  any({ typeUrl, value }: RawAny, place: Place): AnyToJson {
    const type = this.#typeOf(typeUrl);
    if (typeof type === 'string') return standIn(typeUrl, value, type);
    const hasOwnJson = type.typeName === ANY || foldOf(type) !== undefined;
    const here = hasOwnJson ? place.at('value') : place;
    const read = this.#deeper(type, value, here);
    if (read instanceof UnreadableMessage) return standIn(typeUrl, value, read.problem);
    const json = this.#told(read, here);
    return isObject(json) && !hasOwnJson ? { '@type': typeUrl, ...json } : { '@type': typeUrl, value: json };
  }

  /** Never throws: a message that cannot be decoded becomes null and is added to the problems. */
  message(schema: DescMessage, bytes: Uint8Array, place: Place): JsonValue {
    const isTransparent = TRANSPARENT.has(schema.typeName);
    const read = isTransparent ? this.#read(schema, bytes, place) : this.#deeper(schema, bytes, place);
    if (!(read instanceof UnreadableMessage)) return this.#told(read, place);
    return this.#told(new Unreadable(`not a ${schema.typeName}: ${read.problem}`, bytes), place);
  }

  /** The type, or a text that says why there is none. */
  #typeOf(typeUrl: string): DescMessage | string {
    const typeName = typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
    try {
      const shown = typeName.slice(0, MAXIMUM_SHOWN_NAME) || 'a type without a name';
      return this.#registry.getMessage(typeName) ?? `no descriptor of ${shown}`;
    } catch (err) {
      return messageOf(err);
    }
  }

  #deeper(schema: DescMessage, bytes: Uint8Array, place: Place): JsonValue | Unreadable {
    if (this.#depth >= MAXIMUM_DEPTH) return new UnreadableMessage(TOO_DEEP, bytes);
    this.#depth++;
    const read = this.#read(schema, bytes, place);
    this.#depth--;
    return read;
  }

  #told(value: JsonValue | Unreadable, place: Place): JsonValue {
    if (!(value instanceof Unreadable)) return value;
    this.#problems.add(place, value.problem, value.bytes);
    return null;
  }

  #read(schema: DescMessage, bytes: Uint8Array, place: Place): JsonValue | Unreadable {
    if (schema.typeName === ANY) return this.#readAny(bytes, place);
    const fold = foldOf(schema);
    const fields = this.#fields(schema, bytes, fold ? () => place : (key) => place.at(key));
    return fold && !(fields instanceof Unreadable) ? fold(fields, bytes) : fields;
  }

  #readAny(bytes: Uint8Array, place: Place): JsonObject | UnreadableMessage {
    let typeUrl: Uint8Array = NOTHING;
    let value: Uint8Array = NOTHING;
    const records = new WireRecords(bytes);
    while (records.next()) {
      if (records.wireType !== LengthDelimited) continue;
      if (records.number === 1) typeUrl = records.content();
      else if (records.number === 2) value = records.content();
    }
    if (records.problem !== undefined) return new UnreadableMessage(records.problem, bytes);
    if (typeUrl.length === 0 && value.length === 0) return {};
    // `@type` must be a string, so invalid bytes become U+FFFD.
    if (!isUtf8(typeUrl)) this.#problems.add(place.at('@type'), NOT_UTF8, typeUrl);
    return this.any({ typeUrl: Buffer.from(typeUrl).toString(), value }, place);
  }

  #fields(schema: DescMessage, bytes: Uint8Array, placeOf: (key: string) => Place): JsonObject | UnreadableMessage {
    const { fields, byNumber } = planOf(schema);
    const found: (WireValue[] | undefined)[] = [];
    /** The member of each oneof that comes last on the wire. */
    const chosen: number[] = [];
    const records = new WireRecords(bytes);
    while (records.next()) {
      const field = byNumber.get(records.number);
      if (!field) continue;
      // Protobuf ignores records of another wire type, so such a record counts only if there is no other.
      const isForeign = records.wireType !== field.wireType;
      if (field.oneof !== undefined && !isForeign) {
        const former = chosen[field.oneof];
        if (former !== undefined && former !== field.index) found[former] = undefined;
        chosen[field.oneof] = field.index;
      }
      const values = (found[field.index] ??= []);
      if (field.isList) readValues(records, field, values);
      else if (!isForeign || field.entry || values.length === 0) values.push(readValue(records, field));
    }
    // Checked before fields add problems, because the whole message becomes null.
    if (records.problem !== undefined) return new UnreadableMessage(records.problem, bytes);
    const json: JsonObject = {};
    for (const field of fields) {
      const values = found[field.index];
      if (values) put(json, field.key, this.#field(field, values, placeOf));
      else if (field.absent) put(json, field.key, field.absent());
      else if (field.isRequired) {
        put(json, field.key, this.#told(new Unreadable('required but not set', NOTHING), placeOf(field.key)));
      }
    }
    return json;
  }

  #field(field: FieldPlan, values: WireValue[], placeOf: (key: string) => Place): JsonValue {
    if (field.entry) return this.#map(field.entry, values, placeOf(field.key));
    if (!field.isList) return this.#value(field, lastOf(values), () => placeOf(field.key));
    const place = placeOf(field.key);
    return values.map((value, i) => this.#value(field, value, () => place.at(i)));
  }

  #value(plan: ValuePlan, value: WireValue, placeOf: () => Place): JsonValue {
    if (value instanceof Unreadable) return this.#told(value, placeOf());
    if (!(value instanceof Uint8Array)) return value;
    return plan.message ? this.message(plan.message, value, placeOf()) : null;
  }

  #map(plan: EntryPlan, records: WireValue[], place: Place): JsonObject {
    const entries = new Map<string, WireValue>();
    const misnamed: { key: Uint8Array; value: WireValue; record: Uint8Array }[] = [];
    for (const record of records) {
      if (record instanceof Unreadable) this.#told(record, place);
      if (!(record instanceof Uint8Array)) continue;
      const entry = readEntry(plan, record);
      if (entry instanceof Unreadable) this.#told(entry, place);
      else if (typeof entry.key === 'string') entries.set(entry.key, entry.value);
      else misnamed.push({ key: entry.key, value: entry.value, record });
    }
    for (const { key, value, record } of misnamed) {
      const text = Buffer.from(key).toString();
      if (entries.has(text)) {
        this.#told(new Unreadable(`a key is not UTF-8 and collides with another key: ${text}`, record), place);
      } else {
        this.#told(new Unreadable(`a key is not UTF-8 and is shown as ${text}`, key), place);
        entries.set(text, value);
      }
    }
    const json: JsonObject = {};
    for (const [key, value] of entries) {
      const placeOf = (): Place => place.at(key);
      put(json, key, this.#value(plan.value, value, placeOf));
    }
    return json;
  }
}

function standIn(typeUrl: string, value: Uint8Array, problem: string): AnyToJson {
  return { '@type': typeUrl, base64: Buffer.from(value).toString('base64'), problem };
}

/** Sets an own property, even if the key is `__proto__`. */
function put(json: JsonObject, key: string, value: JsonValue): void {
  if (key !== '__proto__') json[key] = value;
  else Object.defineProperty(json, key, { value, enumerable: true, configurable: true, writable: true });
}
