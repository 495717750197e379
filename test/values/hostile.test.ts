import { head, NO_TEXT, part, TOO_LATE, varint } from './descriptors';
import { base64, entry, nested, read } from './reading';

/** About `size` bytes of repeated `bytes`. */
function full(size: number, bytes: Uint8Array): Uint8Array {
  return Buffer.alloc(Math.floor(size / bytes.length) * bytes.length, bytes);
}

/**
 * The processor time of reading, in microseconds: the minimum of several runs, since other load only makes runs longer.
 */
function microseconds(bytes: Uint8Array, times: number): number {
  const all = Array.from({ length: times }, () => {
    const before = process.cpuUsage();
    read(bytes);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  });
  return Math.min(...all);
}

const SMALL = 60_000;
const TIMES = 10;

test.each<[string, (size: number) => Uint8Array]>([
  ['Values without a kind', (size) => part(6, full(size, part(1)))],
  ['texts that are not UTF-8', (size) => full(size, part(9, NO_TEXT))],
  ['Timestamps of the year 10000', (size) => full(size, part(14, TOO_LATE))],
  ['paths that camel case cannot write', (size) => part(22, full(size, part(1, 'a_1')))],
  ['keys that are not UTF-8', (size) => full(size, part(7, entry(NO_TEXT, '')))],
  ['messages that were cut off', (size) => full(size, part(8, [0x0a, 0x09]))],
  ['numbers where texts should be', (size) => full(size, varint(9, 1))],
  ['parts of one message', (size) => full(size, part(16, part(1, 'h')))],
  ['members of a oneof by turns', (size) => full(size, Buffer.concat([part(15, 'a'), part(16)]))],
  ['groups in each other', (size) => full(size, Uint8Array.of(0xf3, 0x01))],
  ['messages in each other', (size) => nested(size / 5, (length) => head(13, length))],
  ['bytes of one text', (size) => part(1, new Uint8Array(size).fill(0xff))],
])('the time to read a reply of %s grows linearly with its size', (_, bytes) => {
  const small = microseconds(bytes(SMALL), 4);
  const large = bytes(SMALL * TIMES);
  // With quadratic time it would take a hundred times as long.
  expect(microseconds(large, 2)).toBeLessThan(Math.max(1_000, small) * TIMES * 5);
  const { problems } = read(large);
  expect(problems.length).toBeLessThanOrEqual(100);
  expect(JSON.stringify(problems).length).toBeLessThan(150_000);
});

test('a snapshot has at most 100 problems, and the last one says how many more there are', () => {
  const { json, problems } = read(full(30_000, part(9, NO_TEXT)));
  expect(json.names).toEqual(new Array(5_000).fill(null));
  expect(problems).toHaveLength(100);
  expect(problems.at(-2)).toMatchObject({ path: 'metadata.names[98]', base64: base64(NO_TEXT) });
  expect(problems.at(-1)).toEqual({ path: '', problem: '4901 more values have problems', base64: '' });
});

test('the problem of a long value has its first bytes and its length', () => {
  const bytes = new Uint8Array(1e6).fill(0xff);
  const { problems } = read(part(1, bytes), ...new Array<Uint8Array>(50).fill(part(9, bytes)));
  expect(problems[0]).toEqual({
    path: 'metadata.id',
    problem: 'not UTF-8 (the first 3000 of 1000000 bytes)',
    base64: base64(bytes.subarray(0, 3_000)),
  });
  expect(problems.at(-1)).toEqual({
    path: 'metadata.names[49]',
    problem: 'not UTF-8 (the first 0 of 1000000 bytes)',
    base64: '',
  });
  expect(JSON.stringify(problems).length).toBeLessThan(80_000);
});
