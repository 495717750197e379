import { isUtf8 } from 'buffer';
import type { DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { planOf, type EntryPlan, type FieldPlan, type ValuePlan } from './message-plan';
import type { DescriptorRegistry } from './registry';
import type { Place, ValueProblems } from './value-problems';
import { foldOf } from './well-known-json';
import {
  lastOf,
  NOT_UTF8,
  problemOf,
  readEntry,
  readValue,
  readValues,
  Unreadable,
  type WireValue,
} from './wire-values';

/** An Any as it comes off the wire. */
export interface RawAny {
  typeUrl: string;
  value: Uint8Array;
}

export type AnyToJson = JsonObject & { '@type': string };

/** Messages within messages, whatever holds them: as deep as protobuf's own readers go. */
const MAXIMUM_DEPTH = 100;
const NOTHING = new Uint8Array();
const ANY = 'google.protobuf.Any';
/** They make no JSON deeper: what they hold does. */
const TRANSPARENT = new Set([ANY, 'google.protobuf.Value']);

/** Reads messages straight off the wire into canonical JSON, by their descriptors. */
export class MessageReader {
  readonly #registry: DescriptorRegistry;
  readonly #problems: ValueProblems;
  #depth = 0;

  constructor(registry: DescriptorRegistry, problems: ValueProblems) {
    this.#registry = registry;
    this.#problems = problems;
  }

  /** Never throws: an Any that cannot be read is `{ '@type', base64, problem }`. */
  any({ typeUrl, value }: RawAny, place: Place): AnyToJson {
    const before = this.#problems.count;
    const typeName = typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
    try {
      const schema = this.#registry.getMessage(typeName);
      if (!schema) throw new Error(`no descriptor of ${typeName.slice(0, 300) || 'a type without a name'}`);
      const hasOwnJson = typeName === ANY || foldOf(schema) !== undefined;
      const here = hasOwnJson ? place.at('value') : place;
      const json = this.#told(
        this.#deeper(() => this.#read(schema, value, here)),
        here,
      );
      if (hasOwnJson) return { '@type': typeUrl, value: json };
      if (typeof json === 'object' && json !== null && !Array.isArray(json)) return { '@type': typeUrl, ...json };
      throw new Error(`the JSON of ${typeName} is not an object`);
    } catch (err) {
      this.#problems.reset(before);
      return { '@type': typeUrl, base64: Buffer.from(value).toString('base64'), problem: problemOf(err) };
    }
  }

  /** Never throws: a message that cannot be read is null, and that is told. */
  message(schema: DescMessage, bytes: Uint8Array, place: Place): JsonValue {
    const before = this.#problems.count;
    const read = (): JsonValue | Unreadable => this.#read(schema, bytes, place);
    try {
      return this.#told(TRANSPARENT.has(schema.typeName) ? read() : this.#deeper(read), place);
    } catch (err) {
      this.#problems.reset(before);
      return this.#told(new Unreadable(`no ${schema.typeName}: ${problemOf(err)}`, bytes), place);
    }
  }

  #deeper<T>(read: () => T): T {
    if (this.#depth >= MAXIMUM_DEPTH) throw new Error(`nested deeper than ${MAXIMUM_DEPTH} levels`);
    this.#depth++;
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }

  #told(value: JsonValue | Unreadable, place: Place): JsonValue {
    if (!(value instanceof Unreadable)) return value;
    this.#problems.add(place, value.problem, value.bytes);
    return null;
  }

  /** Throws where nobody can tell where one field ends and the next begins. */
  #read(schema: DescMessage, bytes: Uint8Array, place: Place): JsonValue | Unreadable {
    if (schema.typeName === ANY) return this.#readAny(bytes, place);
    const fold = foldOf(schema);
    const fields = this.#fields(schema, bytes, fold ? () => place : (key) => place.at(key));
    return fold ? fold(fields, bytes) : fields;
  }

  #readAny(bytes: Uint8Array, place: Place): JsonObject {
    let typeUrl: Uint8Array = NOTHING;
    let value: Uint8Array = NOTHING;
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      if (wireType !== WireType.LengthDelimited || number > 2) reader.skip(wireType, number);
      else if (number === 1) typeUrl = reader.bytes();
      else value = reader.bytes();
    }
    if (typeUrl.length === 0 && value.length === 0) return {};
    return this.any({ typeUrl: this.#lenientText(typeUrl, place.at('@type')), value }, place);
  }

  /** What is not UTF-8 becomes U+FFFD, which is told. */
  #lenientText(bytes: Uint8Array, place: Place): string {
    if (!isUtf8(bytes)) this.#problems.add(place, NOT_UTF8, bytes);
    return Buffer.from(bytes).toString();
  }

  #fields(schema: DescMessage, bytes: Uint8Array, placeOf: (key: string) => Place): JsonObject {
    const { fields, byNumber } = planOf(schema);
    const found: (WireValue[] | undefined)[] = [];
    /** The member of each oneof that is on the wire last. */
    const chosen: number[] = [];
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      const field = byNumber.get(number);
      if (!field) {
        reader.skip(wireType, number);
        continue;
      }
      if (field.oneof !== undefined) {
        const former = chosen[field.oneof];
        if (former !== undefined && former !== field.index) found[former] = undefined;
        chosen[field.oneof] = field.index;
      }
      const values = (found[field.index] ??= []);
      if (field.isList) readValues(reader, field, wireType, values);
      else values.push(readValue(reader, field, number, wireType));
    }
    const json: JsonObject = {};
    for (const field of fields) {
      const values = found[field.index];
      if (values) put(json, field.key, this.#field(field, values, placeOf));
      else if (field.absent) put(json, field.key, field.absent());
      else if (field.isRequired) {
        put(json, field.key, this.#told(new Unreadable('required, and not set', NOTHING), placeOf(field.key)));
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
        this.#told(new Unreadable(`a key is not UTF-8, and reads like that of another entry: ${text}`, record), place);
      } else {
        this.#told(new Unreadable(`a key is not UTF-8, and stands here as ${text}`, key), place);
        entries.set(text, value);
      }
    }
    const json: JsonObject = {};
    for (const [key, value] of entries)
      put(
        json,
        key,
        this.#value(plan.value, value, () => place.at(key)),
      );
    return json;
  }
}

/** As an own property, whatever the key. */
function put(json: JsonObject, key: string, value: JsonValue): void {
  if (key !== '__proto__') json[key] = value;
  else Object.defineProperty(json, key, { value, enumerable: true, configurable: true, writable: true });
}
