import { deflateRawSync, inflateRawSync } from 'zlib';
import { OptionError } from '../model/options';
import { checkScript, type CheckedOperation } from './check-script';
import { DICTIONARY } from './id-dictionary';

const MAXIMUM_ID_BYTES = 512;
/** Of a script's JSON: an id that somebody made up must not fill the memory. */
const MAXIMUM_SCRIPT_BYTES = 256 * 1024;
const TIME_BYTES = 6;
/** Creation time and checksum. */
const HEAD_BYTES = TIME_BYTES + 1;

/** What an operation's id says about it. */
export interface ReadOperationId {
  script: CheckedOperation;
  /** Epoch milliseconds; undefined where the time was not known when the id was written. */
  createdAt?: number;
}

/**
 * An id that carries its operation, so that any FakeCloud can play it. In base64url: the creation time, by which ids
 * sort and because of which they begin with a letter; a checksum; `sequence`, which tells apart what begins at the same
 * time with the same script; the script's JSON, deflated. Throws an OptionError when it would be over 512 bytes.
 */
export function writeOperationId(script: CheckedOperation, sequence: number, createdAt?: number): string {
  const json = JSON.stringify(script);
  const deflated = deflateRawSync(Buffer.from(json), { level: 9, dictionary: DICTIONARY });
  const bytes = Buffer.concat([Buffer.alloc(HEAD_BYTES), varint(sequence), deflated]);
  bytes.writeUIntBE(createdAt === undefined ? 0 : createdAt + 1, 0, TIME_BYTES);
  bytes.writeUInt8(checksum(bytes), TIME_BYTES);
  const id = bytes.toString('base64url');
  if (id.length <= MAXIMUM_ID_BYTES) return id;
  throw new OptionError(
    'script',
    json,
    `the operation's id carries it, and would have ${id.length} bytes where ${MAXIMUM_ID_BYTES} is the limit: shorten its texts, or leave out fields, stages, faults or details`,
  );
}

/** Undefined for an id that {@link writeOperationId} did not write. */
export function readOperationId(id: string): ReadOperationId | undefined {
  const bytes = Buffer.from(id, 'base64url');
  // What base64 tolerates would give one operation several ids.
  if (bytes.length <= HEAD_BYTES || bytes.toString('base64url') !== id) return undefined;
  if (bytes[TIME_BYTES] !== checksum(bytes)) return undefined;
  const time = bytes.readUIntBE(0, TIME_BYTES);
  let start = HEAD_BYTES;
  while ((bytes[start] ?? 0) >= 0x80) start++;
  try {
    const options = { dictionary: DICTIONARY, maxOutputLength: MAXIMUM_SCRIPT_BYTES };
    const script = checkScript(JSON.parse(inflateRawSync(bytes.subarray(start + 1), options).toString()));
    if ('refuse' in script) return undefined;
    return { script, ...(time > 0 && { createdAt: time - 1 }) };
  } catch {
    return undefined;
  }
}

/** Of all bytes but its own. */
function checksum(bytes: Buffer): number {
  return bytes.reduce((sum, byte, i) => (i === TIME_BYTES ? sum : (sum * 31 + byte + 1) & 0xff), 0);
}

/** Seven bits a byte, the lowest first; the high bit says that another follows. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}
