import { WireType } from '@bufbuild/protobuf/wire';
import { WireRecords } from './wire-records';

/** A field of a message: a number for a varint, bytes and text for anything else. */
export interface WireField {
  number: number;
  value?: number;
  bytes: Uint8Array;
  text: string;
}

/** Options, whose extensions descriptor sets rarely define. */
interface Options {
  readonly $unknown?: readonly { no: number; wireType: WireType; data: Uint8Array }[] | undefined;
}

/** The fields of a message, as far as it can be read. */
export function wireFields(bytes: Uint8Array): WireField[] {
  const found: WireField[] = [];
  const records = new WireRecords(bytes);
  while (records.next()) {
    const content = records.content();
    found.push({
      number: records.number,
      bytes: content,
      text: Buffer.from(content).toString(),
      ...(records.wireType === WireType.Varint && { value: records.reader().uint32() }),
    });
  }
  return found;
}

/** The string option with this number. */
export function stringOption(options: Options | undefined, number: number): string | undefined {
  const [bytes] = contents(options, number);
  return bytes && Buffer.from(bytes).toString();
}

/** The fields of the message option with this number; empty if there is none. */
export function messageOption(options: Options | undefined, number: number): WireField[] {
  return contents(options, number).flatMap(wireFields);
}

/** The values of a bool or of a list of enum values, packed or not. */
export function numbersOption(options: Options | undefined, number: number): number[] {
  return (options?.$unknown ?? []).flatMap(({ no, wireType, data }) => {
    if (no !== number) return [];
    const records = new WireRecords(wireType === WireType.LengthDelimited ? withoutLength(data) : data);
    const values: number[] = [];
    while (records.nextPacked(WireType.Varint)) values.push(records.reader().uint32());
    return values;
  });
}

function contents(options: Options | undefined, number: number): Uint8Array[] {
  return (options?.$unknown ?? [])
    .filter(({ no, wireType }) => no === number && wireType === WireType.LengthDelimited)
    .map(({ data }) => withoutLength(data));
}

/** The bytes after the length prefix. */
function withoutLength(data: Uint8Array): Uint8Array {
  const records = new WireRecords(data);
  return records.nextPacked(WireType.LengthDelimited) ? records.content() : new Uint8Array();
}
