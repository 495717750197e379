import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

// Destructured once, because the library's enum is behind a getter.
const { Varint, Bit32, Bit64, LengthDelimited, StartGroup, EndGroup } = WireType;

/** The maximum size of a tag or a length. */
const MAXIMUM_HEAD_BYTES = 5;
const CUT_OFF = 'cut off within a field';

/**
 * Iterates over the records of an encoded message. Never reads past its end, unlike the reader of `@bufbuild/protobuf`,
 * which continues past the end of a truncated message. Never throws: exceptions are expensive, and a hostile reply can
 * contain a million invalid messages.
 */
export class WireRecords {
  /** The field number. */
  number = 0;
  wireType: WireType = Varint;
  /** Why there is no next record, although the message has not ended. */
  problem: string | undefined;
  readonly #bytes: Uint8Array;
  #reader: BinaryReader | undefined;
  #pos = 0;
  #from = 0;
  #start = 0;
  #end = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Advances to the next record; false if there is none. */
  next(): boolean {
    if (this.#pos >= this.#bytes.length) return false;
    const tag = this.#head();
    this.number = tag >>> 3;
    this.wireType = tag & 7;
    if (this.number === 0) this.problem ??= 'a field without a number';
    return this.problem === undefined && this.#value();
  }

  /** Advances to the next value of a packed list; false if there is none. */
  nextPacked(wireType: WireType): boolean {
    if (this.#pos >= this.#bytes.length) return false;
    this.wireType = wireType;
    return this.#value();
  }

  /** The bytes of the value, without the length prefix or the end tag of a group. */
  content(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** The size of {@link content}. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** The bytes after the last readable record. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#from);
  }

  /** A reader positioned at the value. It can read any value, except a varint of more than ten bytes. */
  reader(): BinaryReader {
    this.#reader ??= new BinaryReader(this.#bytes);
    this.#reader.pos = this.#from;
    return this.#reader;
  }

  #value(): boolean {
    this.#from = this.#pos;
    this.#skip(this.wireType);
    return this.problem === undefined;
  }

  /** Notes the position of the value and advances past it. */
  #skip(wireType: WireType): void {
    const length = wireType === LengthDelimited ? this.#head() : 0;
    this.#start = this.#pos;
    switch (wireType) {
      case Varint:
        while ((this.#bytes[this.#pos++] ?? 0) > 0x7f);
        break;
      case Bit64:
        this.#pos += 8;
        break;
      case Bit32:
        this.#pos += 4;
        break;
      case LengthDelimited:
        this.#pos += length;
        break;
      case StartGroup:
        return this.#skipGroup();
      default:
        this.problem ??= `a field with the invalid wire type ${wireType}`;
    }
    this.#end = this.#pos;
    if (this.#pos > this.#bytes.length) this.problem ??= CUT_OFF;
  }

  /** Without recursion: a hostile message can nest a million groups. */
  #skipGroup(): void {
    const start = this.#pos;
    const open = [this.number];
    while (open.length > 0 && this.problem === undefined) {
      const before = this.#pos;
      const tag = this.#head();
      const number = tag >>> 3;
      const wireType: WireType = tag & 7;
      if (wireType === StartGroup) open.push(number);
      else if (wireType !== EndGroup) this.#skip(wireType);
      else if (open.pop() !== number) this.problem ??= 'a group with the end tag of another group';
      this.#end = before;
    }
    this.#start = start;
  }

  /** Reads a tag or a length. */
  #head(): number {
    const byte = this.#bytes[this.#pos];
    if (byte === undefined || byte > 0x7f) return this.#longHead();
    this.#pos++;
    return byte;
  }

  #longHead(): number {
    let value = 0;
    for (let i = 0; i < MAXIMUM_HEAD_BYTES; i++) {
      const byte = this.#bytes[this.#pos++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte <= 0x7f && value < 2 ** 32) return value;
    }
    this.problem ??= this.#pos > this.#bytes.length ? CUT_OFF : 'a tag or a length of more than 32 bits';
    return 0;
  }
}
