import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { anyToJson, bytesToJson } from '../../src/descriptors/any-to-json';
import { double, NO_TEXT, part, registry, Thing, THING, TOO_LATE, varint } from './descriptors';
import { base64, entry, expectOneProblem, read, type Case } from './reading';

const NAN = double(2, NaN);
const NOTHING = new Uint8Array();

/** The content of a Timestamp or a Duration. */
const time = (field: number, path: string, problem: RegExp, ...parts: Uint8Array[]): Case => {
  return { sent: part(field, ...parts), path, problem, kept: Buffer.concat(parts), json: { [path]: null } };
};
const text = (sent: Uint8Array, path: string, json: JsonObject): Case => {
  return { sent, path, problem: /not UTF-8/, kept: NO_TEXT, json };
};
const key = (sent: Uint8Array, path: string, json: JsonObject): Case => {
  return { sent, path, problem: /a key is not UTF-8 and is shown as caf\ufffd/, kept: NO_TEXT, json };
};
const NO_TIME = / are no time of the years 1 to 9999$/;
const NO_DURATION = / are no duration /;

test.each<[string, Case]>([
  ['a Timestamp of the year 10000', time(2, 'createdAt', /^253402300800 s and 0 ns are no time/, TOO_LATE)],
  ['a Timestamp of the year 0', time(2, 'createdAt', NO_TIME, varint(1, -62_135_596_801))],
  ['a Timestamp with negative nanos', time(2, 'createdAt', /^0 s and -5 ns are no time/, varint(2, -5))],
  ['a Timestamp with a second of nanos', time(2, 'createdAt', NO_TIME, varint(2, 1e9))],
  ['a Duration of 10,001 years', time(3, 'ttl', NO_DURATION, varint(1, 315_576_000_001))],
  ['a Duration of two signs', time(3, 'ttl', /^1 s and -1 ns are no duration/, varint(1, 1), varint(2, -1))],
  ['a Duration with more than a second of nanos', time(3, 'ttl', NO_DURATION, varint(2, 1_500_000_000))],
  ['NaN in a Value', { sent: part(5, NAN), path: 'anything', problem: /^NaN/, kept: NAN, json: { anything: null } }],
  [
    'Infinity in a Struct',
    {
      sent: part(4, part(1, entry('a.b', double(2, Infinity)))),
      path: 'freeForm["a.b"]',
      problem: /^Infinity is not a JSON number/,
      kept: double(2, Infinity),
      json: { freeForm: { 'a.b': null } },
    },
  ],
  [
    '-Infinity in a ListValue',
    {
      sent: part(6, part(1, varint(4, 1)), part(1, double(2, -Infinity))),
      path: 'list[1]',
      problem: /^-Infinity/,
      kept: double(2, -Infinity),
      json: { list: [true, null] },
    },
  ],
  [
    'a Value without a kind',
    { sent: part(6, part(1)), path: 'list[0]', problem: /without a kind/, kept: NOTHING, json: { list: [null] } },
  ],
  [
    'an entry of a Struct without a value',
    {
      sent: part(4, part(1, part(1, 'k'))),
      path: 'freeForm.k',
      problem: /without a kind/,
      kept: NOTHING,
      json: { freeForm: { k: null } },
    },
  ],
  ['a text that is not UTF-8', text(part(15, NO_TEXT), 'text', { text: null })],
  ['such a text in a list', text(Buffer.concat([part(9, 'a'), part(9, NO_TEXT)]), 'names[1]', { names: ['a', null] })],
  ['such a text in a wrapper', text(part(23, part(1, NO_TEXT)), 'maybe', { maybe: null })],
  ['such a text in a Value', text(part(5, part(3, NO_TEXT)), 'anything', { anything: null })],
  ['such a text as value of a map', text(part(7, entry('k', NO_TEXT)), 'labels.k', { labels: { k: null } })],
  ['such a text in proto2', text(part(19, part(1, 'n'), part(2, NO_TEXT)), 'legacy.note', { legacy: { note: null } })],
  ['such a path of a FieldMask', text(part(22, part(1, 'a_b'), part(1, NO_TEXT)), 'mask[1]', { mask: 'aB' })],
  [
    'such a type URL of an Any',
    text(part(11, part(1, NO_TEXT)), 'detail.@type', { detail: { '@type': 'caf\ufffd', base64: '' } }),
  ],
  [
    'a required field that is not set',
    {
      sent: part(19, part(2, 'n')),
      path: 'legacy.name',
      problem: /required/,
      kept: NOTHING,
      json: { legacy: { name: null, note: 'n' } },
    },
  ],
  [
    'a bad value within an Any',
    {
      sent: part(11, part(1, THING), part(2, part(2, TOO_LATE), part(1, 'x'))),
      path: 'detail.createdAt',
      problem: NO_TIME,
      kept: TOO_LATE,
      json: { detail: { '@type': THING, id: 'x', createdAt: null } },
    },
  ],
  [
    'an Any of a bad value',
    {
      sent: part(11, part(1, 'x/google.protobuf.Timestamp'), part(2, TOO_LATE)),
      path: 'detail.value',
      problem: NO_TIME,
      kept: TOO_LATE,
      json: { detail: { '@type': 'x/google.protobuf.Timestamp', value: null } },
    },
  ],
])('%s becomes null, is reported with its bytes, and changes nothing else', (_, one) => expectOneProblem(one));

test.each<[string, Case]>([
  ['a map', key(part(7, entry(NO_TEXT, 'v')), 'labels', { labels: { 'caf\ufffd': 'v' } })],
  ['a Struct', key(part(4, part(1, entry(NO_TEXT, varint(4, 1)))), 'freeForm', { freeForm: { 'caf\ufffd': true } })],
  [
    'a map deep inside',
    key(Buffer.concat([part(8), part(8), part(8, part(2, entry(NO_TEXT, 'v')))]), 'hosts[2].labels', {
      hosts: [{ labels: {} }, { labels: {} }, { labels: { 'caf\ufffd': 'v' } }] as JsonValue,
    }),
  ],
])('a key of %s that is not UTF-8 is replaced, and its value is kept', (_, one) => {
  const { hosts, ...json } = one.json;
  expectOneProblem({ ...one, json });
  if (hosts) expect(read(one.sent).json).toMatchObject({ hosts });
});

test('two keys that are not UTF-8 and become the same text are both kept', () => {
  const second = entry(Uint8Array.of(0xfe), 'b');
  const { json, problems } = read(part(7, entry(Uint8Array.of(0xff), 'a')), part(7, second));
  expect(json).toMatchObject({ labels: { '\ufffd': 'a' } });
  expect(problems.map((problem) => problem.base64)).toEqual([base64(Uint8Array.of(0xff)), base64(second)]);
});

test.each<[string, Uint8Array, JsonObject]>([
  ['an unknown value of an open enum is its number', varint(21, 7), { state: 7 }],
  ['so is one of a closed enum', part(19, part(1, 'n'), varint(4, 9)), { legacy: { name: 'n', grade: 9 } }],
  ['whatever a NullValue is, it is null', varint(17, 3), { nothing: null }],
  ['NaN of a double is a text', double(20, NaN), { ratio: 'NaN' }],
  ['a key that every object has is a key', part(7, entry('constructor', 'x')), { labels: { constructor: 'x' } }],
  [
    'of entries with the same key the last one counts',
    Buffer.concat([part(7, entry('k', NO_TEXT)), part(7, entry('k', 'v'))]),
    { labels: { k: 'v' } },
  ],
  [
    'of the members of a oneof the last one counts',
    Buffer.concat([part(15, NO_TEXT), part(16, part(1, 'h'))]),
    { host: { name: 'h', labels: {} } },
  ],
  [
    'a record of another wire type does not count beside one that can be read',
    Buffer.concat([part(15, 'a'), varint(15, 7)]),
    { text: 'a' },
  ],
  [
    'the parts of a message are merged',
    Buffer.concat([part(16, part(1, 'h')), part(16, part(2, entry('k', 'v')))]),
    { host: { name: 'h', labels: { k: 'v' } } },
  ],
  [
    'a group is a message',
    part(19, part(1, 'n'), Uint8Array.of(0x1b), part(1, 'g'), Uint8Array.of(0x1c)),
    { legacy: { name: 'n', extra: { note: 'g' } } },
  ],
])('%s', (_, sent, expected) => {
  const { json, problems } = read(sent);
  expect(json).toMatchObject(expected);
  expect(problems).toEqual([]);
});

test('outside a snapshot, problems are reported in the JSON of the Any itself', () => {
  const json = anyToJson({ typeUrl: THING, value: Buffer.concat([part(1, 'x'), part(2, TOO_LATE)]) }, registry);
  expect(json).toMatchObject({ id: 'x', createdAt: null, problems: [{ path: 'createdAt', base64: base64(TOO_LATE) }] });
  expect(() => bytesToJson(Thing, part(2, TOO_LATE), registry)).toThrow(/^createdAt: 253402300800 s/);
});

test('problems show no secrets', () => {
  const token = `t1.${'a'.repeat(40)}.${'b'.repeat(86)}`;
  const broken = Buffer.concat([Buffer.from(`${token} `), NO_TEXT]);
  const { problems } = read(part(15, broken), part(7, entry(broken, 'v')));
  expect(problems).toHaveLength(2);
  const bytes = problems.map((problem) => Buffer.from(problem.base64, 'base64').toString('latin1'));
  for (const shown of [JSON.stringify(problems), ...bytes]) expect(shown).not.toContain('aaaaaaaa');
  for (const shown of bytes) expect(shown).toContain('[redacted]');
});
