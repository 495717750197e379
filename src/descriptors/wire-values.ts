import type { JsonValue } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import type { EntryPlan, FieldPlan, ValuePlan } from './message-plan';
import { NOT_UTF8, Unreadable } from './value-problems';
import { WireRecords } from './wire-records';

// Destructured once, because the library's enum is behind a getter.
const { Varint, LengthDelimited } = WireType;

/** The maximum size of a varint. */
const MAXIMUM_VARINT_BYTES = 10;

/** A value from the wire: JSON, or the bytes of a message or a map entry that is decoded later. */
export type WireValue = JsonValue | Uint8Array | Unreadable;

/** Reads the value of a record. Unreadable if its wire type differs from the descriptors. */
export function readValue(records: WireRecords, plan: ValuePlan): WireValue {
  const { wireType } = records;
  if (wireType !== plan.wireType) {
    const problem = `sent as ${WireType[wireType]}, but the descriptors have ${WireType[plan.wireType]}`;
    return new Unreadable(problem, records.content());
  }
  if (!plan.read) return records.content();
  if (wireType === Varint && records.length > MAXIMUM_VARINT_BYTES) {
    return new Unreadable('a number of more than 64 bits', records.content());
  }
  return plan.read(records);
}

/** Appends the list values in one record to `values`: several if they are packed. */
export function readValues(records: WireRecords, plan: FieldPlan, values: WireValue[]): void {
  if (records.wireType !== LengthDelimited || !plan.isPackable) {
    values.push(readValue(records, plan));
    return;
  }
  const packed = new WireRecords(records.content());
  while (packed.nextPacked(plan.wireType)) values.push(readValue(packed, plan));
  if (packed.problem !== undefined) values.push(new Unreadable(packed.problem, packed.rest()));
}

/** An entry of a map. The key is bytes if it is not UTF-8. */
type MapEntry = { key: string | Uint8Array; value: WireValue };

export function readEntry(plan: EntryPlan, bytes: Uint8Array): MapEntry | Unreadable {
  let key: WireValue = plan.key.zero;
  const values: WireValue[] = [];
  const records = new WireRecords(bytes);
  while (records.next()) {
    if (records.number === 1) key = readValue(records, plan.key);
    else if (records.number === 2) values.push(readValue(records, plan.value));
  }
  if (records.problem !== undefined) return new Unreadable(`an invalid map entry: ${records.problem}`, bytes);
  const value = values.length === 0 ? plan.value.zero : lastOf(values);
  if (!(key instanceof Unreadable)) return { key: typeof key === 'string' ? key : JSON.stringify(key), value };
  if (key.problem === NOT_UTF8) return { key: key.bytes, value };
  return new Unreadable(`an entry whose key was ${key.problem}`, bytes);
}

/**
 * The value of a singular field with several records: the last one, or for messages their concatenation, which merges.
 */
export function lastOf(values: WireValue[]): WireValue {
  if (values.length === 1) return values[0] ?? null;
  const parts = values.filter((value) => value instanceof Uint8Array);
  return parts.length > 0 ? Buffer.concat(parts) : (values.at(-1) ?? null);
}
