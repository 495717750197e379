import type { JsonValue } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { EntryPlan, FieldPlan, ValuePlan } from './message-plan';

export const NOT_UTF8 = 'not UTF-8';

/** A value that has no canonical JSON, and why. */
export class Unreadable {
  constructor(
    readonly problem: string,
    readonly bytes: Uint8Array,
  ) {}
}

/** A value off the wire: JSON, or the bytes of a message or of an entry of a map, which are still to be read. */
export type WireValue = JsonValue | Uint8Array | Unreadable;

/**
 * Reads one value, and leaves the reader behind it even where it is unreadable. Throws where nobody can tell where it
 * ends. The reader of `@bufbuild/protobuf` itself runs over the end of a message that was cut off, into what follows,
 * and ignores wire types; here both spoil that value only.
 */
export function readValue(reader: BinaryReader, plan: ValuePlan, number: number, wireType: WireType): WireValue {
  if (wireType !== plan.wireType) {
    const problem = `sent as ${WireType[wireType]}, where the descriptors have ${WireType[plan.wireType]}`;
    return new Unreadable(problem, skipValue(reader, number, wireType));
  }
  if (!plan.read) return skipValue(reader, number, wireType);
  const start = reader.pos;
  try {
    return plan.read(reader);
  } catch (err) {
    reader.pos = start;
    const bytes = skipValue(reader, number, wireType);
    return new Unreadable(wireType === WireType.LengthDelimited ? NOT_UTF8 : problemOf(err), bytes);
  }
}

/** Adds the values of a list that are in one record to `values`: many where they are packed. */
export function readValues(reader: BinaryReader, plan: FieldPlan, wireType: WireType, values: WireValue[]): void {
  if (wireType !== WireType.LengthDelimited || !plan.isPackable) {
    values.push(readValue(reader, plan, plan.number, wireType));
    return;
  }
  const bytes = reader.bytes();
  const packed = new BinaryReader(bytes);
  while (packed.pos < packed.len) {
    const start = packed.pos;
    try {
      values.push(readValue(packed, plan, plan.number, plan.wireType));
    } catch (err) {
      values.push(new Unreadable(problemOf(err), bytes.subarray(start)));
      return;
    }
  }
}

/** An entry of a map. Its key is the bytes where they are not UTF-8. */
export type MapEntry = { key: string | Uint8Array; value: WireValue };

export function readEntry(plan: EntryPlan, record: Uint8Array): MapEntry | Unreadable {
  let key: WireValue = plan.key.zero;
  const values: WireValue[] = [];
  const reader = new BinaryReader(record);
  try {
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      if (number === 1) key = readValue(reader, plan.key, number, wireType);
      else if (number === 2) values.push(readValue(reader, plan.value, number, wireType));
      else reader.skip(wireType, number);
    }
  } catch (err) {
    return new Unreadable(`an entry that cannot be read: ${problemOf(err)}`, record);
  }
  const value = values.length === 0 ? plan.value.zero : lastOf(values);
  if (!(key instanceof Unreadable)) return { key: typeof key === 'string' ? key : JSON.stringify(key), value };
  if (key.problem === NOT_UTF8) return { key: key.bytes, value };
  return new Unreadable(`an entry whose key was ${key.problem}`, record);
}

/** Of the records of a field that holds one value the last one counts; messages are merged, as their bytes then are. */
export function lastOf(values: WireValue[]): WireValue {
  const parts = values.filter((value) => value instanceof Uint8Array);
  return parts.length > 1 ? Buffer.concat(parts) : (parts[0] ?? values.at(-1) ?? null);
}

export function problemOf(err: unknown): string {
  return err instanceof Error ? err.message : String(err);
}

/** What lies between its tag and the next one, without its length or the tag that ends a group. */
function skipValue(reader: BinaryReader, number: number, wireType: WireType): Uint8Array {
  if (wireType === WireType.LengthDelimited) return reader.bytes();
  const bytes = reader.skip(wireType, number);
  if (wireType !== WireType.StartGroup) return bytes;
  return bytes.subarray(0, bytes.length - Math.ceil((32 - Math.clz32((number << 3) | WireType.EndGroup)) / 7));
}
