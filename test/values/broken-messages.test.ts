import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { head, NO_TEXT, part, THING, TOO_LATE, varint } from './descriptors';
import { base64, entry, expectOneProblem, nested, read, type Case } from './reading';

/** The header of a text of nine bytes, without these bytes. */
const CUT_OFF = Uint8Array.of(0x0a, 0x09);
/** One byte more than a varint can have. */
const TOO_LONG = new Uint8Array(11).fill(0x80).fill(1, 10);
const host = Buffer.concat([part(2, entry('k', 'v')), CUT_OFF]);

test.each<[string, Case]>([
  [
    'a message that was cut off',
    {
      sent: part(8, host),
      path: 'hosts[0]',
      problem: /^not a values.v1.Host: cut off within a field$/,
      kept: host,
      json: { hosts: [null] },
    },
  ],
  [
    'a message with a field of the number 0',
    { sent: part(16, varint(0, 1)), path: 'host', problem: /number/, kept: varint(0, 1), json: { host: null } },
  ],
  [
    'a message with a group that does not end',
    { sent: part(16, [0x3b]), path: 'host', problem: /cut off/, kept: Uint8Array.of(0x3b), json: { host: null } },
  ],
  [
    'an entry of a map that was cut off',
    { sent: part(7, CUT_OFF), path: 'labels', problem: /an invalid map entry/, kept: CUT_OFF, json: { labels: {} } },
  ],
  [
    'packed numbers that were cut off',
    {
      sent: part(18, [1, 2, 0x80]),
      path: 'sizes[2]',
      problem: /cut off/,
      kept: Uint8Array.of(0x80),
      json: { sizes: [1, 2, null] },
    },
  ],
  [
    'a number of more than 64 bits',
    {
      sent: new BinaryWriter().tag(25, WireType.Varint).raw(TOO_LONG).finish(),
      path: 'size',
      problem: /64 bits/,
      kept: TOO_LONG,
      json: { size: null },
    },
  ],
  [
    'a number where a text should be',
    {
      sent: varint(15, 7),
      path: 'text',
      problem: /^sent as Varint, but the descriptors have LengthDelimited$/,
      kept: Uint8Array.of(7),
      json: { text: null },
    },
  ],
  [
    'such a number beside another member of its oneof',
    {
      sent: Buffer.concat([part(16, part(1, 'h')), varint(15, 7)]),
      path: 'text',
      problem: /^sent as Varint/,
      kept: Uint8Array.of(7),
      json: { text: null, host: { name: 'h', labels: {} } },
    },
  ],
  [
    'a text where a number should be',
    { sent: part(20, 'half'), path: 'ratio', problem: /^sent as /, kept: Buffer.from('half'), json: { ratio: null } },
  ],
  [
    'a number where a map should be',
    { sent: varint(7, 1), path: 'labels', problem: /^sent as /, kept: Uint8Array.of(1), json: { labels: {} } },
  ],
])('%s is reported with its bytes, and changes nothing around it', (_, one) => expectOneProblem(one));

test('a truncated message does not consume the bytes after it', () => {
  const sibling = part(8, part(1, 'second'));
  const { json, problems } = read(part(8, [0x0a, sibling.length]), sibling);
  expect(json.hosts).toEqual([null, { name: 'second', labels: {} }]);
  expect(problems).toMatchObject([{ path: 'metadata.hosts[0]' }]);
});

test('an Any that cannot be read at all is kept as bytes, and the problems of its parts are dropped', () => {
  const value = Buffer.concat([part(2, TOO_LATE), part(9, NO_TEXT), CUT_OFF]);
  const kept = { '@type': THING, base64: base64(value), problem: 'cut off within a field' };
  expect(read(part(11, part(1, THING), part(2, value)))).toMatchObject({ json: { detail: kept }, problems: [] });
  expect(read(value)).toEqual({ json: kept, problems: [] });
});

const list = (length: number): Uint8Array => {
  const inner = Buffer.concat([head(6, length)]);
  return Buffer.concat([head(1, inner.length + length), inner]);
};
const struct = (length: number): Uint8Array => {
  const value = head(5, length);
  const key = Buffer.concat([part(1, 'k'), head(2, value.length + length), value]);
  return Buffer.concat([head(1, key.length + length), key]);
};
const any = (length: number): Uint8Array => {
  const inner = Buffer.concat([part(1, THING), head(2, length)]);
  return Buffer.concat([head(11, inner.length + length), inner]);
};

test.each<[string, (levels: number) => Uint8Array]>([
  ['messages', (levels) => nested(levels, (length) => head(13, length))],
  ['Structs', (levels) => part(4, nested(levels, struct))],
  ['lists', (levels) => part(6, nested(levels, list))],
])(
  '90 nested levels of %s are read; of 10,000 levels the first 100 are read, and the rest is kept as bytes',
  (_, bytes) => {
    expect(read(bytes(90)).problems).toEqual([]);
    const { json, problems } = read(part(1, 'thing-1'), bytes(10_000), part(24, 'net-1'));
    expect(json).toMatchObject({ id: 'thing-1', networkId: 'net-1' });
    const problem = expect.stringMatching(/nested deeper than 100 levels \(the first 3000 of \d+ bytes\)$/) as string;
    expect(problems).toMatchObject([{ problem }]);
  },
);

test('90 nested levels of Anys are read; of 10,000 levels the first 100 are read, and the rest is kept as bytes', () => {
  expect(JSON.stringify(read(nested(90, any)))).not.toContain('problem":');
  const { json, problems } = read(part(1, 'thing-1'), nested(10_000, any));
  expect(json).toMatchObject({ id: 'thing-1' });
  expect(problems).toEqual([]);
  expect(JSON.stringify(json).match(/"problem":"nested deeper than 100 levels"/g)).toHaveLength(1);
});
