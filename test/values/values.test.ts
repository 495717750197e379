import { fromBinary, toJson, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { anyToJson, anyToJsonAt, bytesToJson } from '../../src/descriptors/any-to-json';
import { Place, ValueProblems } from '../../src/descriptors/value-problems';
import type { ValueProblem } from '../../src/model/snapshot';
import { canonicalJson, seededRandom } from '../support/canonical-json';
import { bytesOf, double, NO_TEXT, part, registry, Thing, THING, TOO_LATE, varint } from './descriptors';

/** What a Thing on the wire becomes in the metadata of a snapshot. */
function read(...parts: Uint8Array[]): { json: JsonObject; problems: ValueProblem[] } {
  const problems = new ValueProblems();
  const any = { typeUrl: THING, value: Buffer.concat(parts) };
  const json = anyToJsonAt(new Place('metadata'), any, registry, problems);
  return { json, problems: problems.list() };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const id = part(1, 'thing-1');
const networkId = part(24, 'net-1');
const NAN = double(2, NaN);
const entry = (key: Uint8Array | string, value: Uint8Array | string): Uint8Array[] => [part(1, key), part(2, value)];
const nested = (levels: number, wrap: (inner: Uint8Array) => Uint8Array): Uint8Array => {
  let bytes: Uint8Array = new Uint8Array();
  for (let i = 0; i < levels; i++) bytes = wrap(bytes);
  return bytes;
};

/** What it is, how it is sent, where the problem is, which bytes are kept, and what the field becomes. */
const CASES: [string, Uint8Array, path: string, problem: RegExp, bytes: Uint8Array, json: JsonObject][] = [
  [
    'a Timestamp of the year 10000',
    part(2, TOO_LATE),
    'createdAt',
    /253402300800 s and 0 ns are no time/,
    TOO_LATE,
    { createdAt: null },
  ],
  [
    'a Timestamp of the year 0',
    part(2, varint(1, -62_135_596_801)),
    'createdAt',
    /no time/,
    varint(1, -62_135_596_801),
    { createdAt: null },
  ],
  [
    'a Timestamp with negative nanos',
    part(2, varint(2, -5)),
    'createdAt',
    /0 s and -5 ns are no time/,
    varint(2, -5),
    { createdAt: null },
  ],
  [
    'a Timestamp with a second of nanos',
    part(2, varint(2, 1e9)),
    'createdAt',
    /no time/,
    varint(2, 1e9),
    { createdAt: null },
  ],
  [
    'a Duration of 10,001 years',
    part(3, varint(1, 315_576_000_001)),
    'ttl',
    /no duration/,
    varint(1, 315_576_000_001),
    { ttl: null },
  ],
  [
    'a Duration of two signs',
    part(3, varint(1, 1), varint(2, -1)),
    'ttl',
    /1 s and -1 ns are no duration/,
    Buffer.concat([varint(1, 1), varint(2, -1)]),
    { ttl: null },
  ],
  [
    'a Duration with more than a second of nanos',
    part(3, varint(2, 1_500_000_000)),
    'ttl',
    /no duration/,
    varint(2, 1_500_000_000),
    { ttl: null },
  ],
  [
    'a Timestamp in a list',
    part(14, part(1)),
    'times[0]',
    /sent as LengthDelimited/,
    new Uint8Array(),
    { times: [null] },
  ],
  ['NaN in a Value', part(5, NAN), 'anything', /NaN is no number of JSON/, NAN, { anything: null }],
  [
    'Infinity in a Struct',
    part(4, part(1, ...entry('a.b', double(2, Infinity)))),
    'freeForm["a.b"]',
    /^Infinity/,
    double(2, Infinity),
    { freeForm: { 'a.b': null } },
  ],
  [
    '-Infinity in a ListValue',
    part(6, part(1, varint(4, 1)), part(1, double(2, -Infinity))),
    'list[1]',
    /^-Infinity/,
    double(2, -Infinity),
    { list: [true, null] },
  ],
  ['a Value without a kind', part(6, part(1)), 'list[0]', /without a kind/, new Uint8Array(), { list: [null] }],
  [
    'a Value without a kind in a Struct',
    part(4, part(1, part(1, 'k'))),
    'freeForm.k',
    /without a kind/,
    new Uint8Array(),
    { freeForm: { k: null } },
  ],
  ['a text that is not UTF-8', part(15, NO_TEXT), 'text', /not UTF-8/, NO_TEXT, { text: null }],
  [
    'such a text in a list',
    Buffer.concat([part(9, 'a'), part(9, NO_TEXT)]),
    'names[1]',
    /not UTF-8/,
    NO_TEXT,
    { names: ['a', null] },
  ],
  ['such a text in a wrapper', part(23, part(1, NO_TEXT)), 'maybe', /not UTF-8/, NO_TEXT, { maybe: null }],
  ['such a text in a Value', part(5, part(3, NO_TEXT)), 'anything', /not UTF-8/, NO_TEXT, { anything: null }],
  [
    'such a text as value of a map',
    part(7, ...entry('k', NO_TEXT)),
    'labels.k',
    /not UTF-8/,
    NO_TEXT,
    { labels: { k: null } },
  ],
  [
    'such a text as key of a map',
    part(7, ...entry(NO_TEXT, 'v')),
    'labels',
    /a key is not UTF-8/,
    NO_TEXT,
    { labels: { 'caf\ufffd': 'v' } },
  ],
  [
    'such a key deep inside',
    Buffer.concat([part(8), part(8), part(8, part(2, ...entry(NO_TEXT, 'v')))]),
    'hosts[2].labels',
    /key/,
    NO_TEXT,
    { hosts: [{}, {}, { labels: { 'caf\ufffd': 'v' } }] },
  ],
  [
    'such a key of a Struct',
    part(4, part(1, ...entry(NO_TEXT, varint(4, 1)))),
    'freeForm',
    /key/,
    NO_TEXT,
    { freeForm: { 'caf\ufffd': true } },
  ],
  [
    'such a text in proto2',
    part(19, part(1, 'n'), part(2, NO_TEXT)),
    'legacy.note',
    /not UTF-8/,
    NO_TEXT,
    { legacy: { name: 'n', note: null } },
  ],
  [
    'such a text in a path of a FieldMask',
    part(22, part(1, 'a_b'), part(1, NO_TEXT)),
    'mask[1]',
    /not UTF-8/,
    NO_TEXT,
    { mask: 'aB' },
  ],
  [
    'such a type URL',
    part(11, part(1, NO_TEXT)),
    'detail["@type"]',
    /not UTF-8/,
    NO_TEXT,
    { detail: { '@type': 'caf\ufffd', base64: '' } },
  ],
  [
    'a bad value in an Any',
    part(11, part(1, THING), part(2, part(2, TOO_LATE), id)),
    'detail.createdAt',
    /no time/,
    TOO_LATE,
    { detail: { '@type': THING, id: 'thing-1', createdAt: null } },
  ],
  [
    'an Any that is a bad value itself',
    part(11, part(1, 'x/google.protobuf.Timestamp'), part(2, TOO_LATE)),
    'detail.value',
    /no time/,
    TOO_LATE,
    { detail: { '@type': 'x/google.protobuf.Timestamp', value: null } },
  ],
  [
    'a required field that is not set',
    part(19, part(2, 'n')),
    'legacy.name',
    /required/,
    new Uint8Array(),
    { legacy: { name: null, note: 'n' } },
  ],
  [
    'a nested message that was cut off',
    part(8, part(2, ...entry('k', 'v')), part(1, 'host').subarray(0, 3)),
    'hosts[0]',
    /no values.v1.Host: premature EOF/,
    Buffer.concat([part(2, ...entry('k', 'v')), part(1, 'host').subarray(0, 3)]),
    { hosts: [null] },
  ],
  [
    'a nested message that claims what follows it',
    part(16, Uint8Array.of(0x0a, 0x09)),
    'host',
    /premature EOF/,
    Uint8Array.of(0x0a, 0x09),
    { host: null },
  ],
  [
    'an entry of a map that was cut off',
    part(7, Uint8Array.of(0x0a, 0x09)),
    'labels',
    /an entry that cannot be read/,
    Uint8Array.of(0x0a, 0x09),
    { labels: {} },
  ],
  [
    'packed numbers that were cut off',
    part(18, Uint8Array.of(1, 2, 0x80)),
    'sizes[2]',
    /premature EOF/,
    Uint8Array.of(0x80),
    { sizes: [1, 2, null] },
  ],
  [
    'a number of more than 64 bits',
    new BinaryWriter().tag(25, WireType.Varint).raw(new Uint8Array(12).fill(0x80).fill(1, 11)).finish(),
    'size',
    /varint/,
    new Uint8Array(12).fill(0x80).fill(1, 11),
    { size: null },
  ],
  [
    'a number where a text should be',
    varint(15, 7),
    'text',
    /sent as Varint, where the descriptors have LengthDelimited/,
    Uint8Array.of(7),
    { text: null },
  ],
  [
    'a text where a number should be',
    part(20, 'half'),
    'ratio',
    /sent as LengthDelimited, where the descriptors have Bit64/,
    Buffer.from('half'),
    { ratio: null },
  ],
];

test.each(CASES)(
  '%s becomes null, is named with its bytes, and spoils nothing else',
  (_, bytes, path, problem, kept, expected) => {
    const { json, problems } = read(id, bytes, networkId);
    expect(json).toMatchObject({ '@type': THING, id: 'thing-1', networkId: 'net-1', ...expected });
    expect(problems).toEqual([
      { path: `metadata.${path}`, problem: expect.stringMatching(problem) as string, base64: base64(kept) },
    ]);
  },
);

test.each<[string, Uint8Array, JsonObject]>([
  [
    'an unknown value of an enum is its number',
    Buffer.concat([varint(21, 7), part(19, part(1, 'n'), varint(4, 9))]),
    { state: 7, legacy: { grade: 9 } },
  ],
  ['whatever a NullValue is, it is null', varint(17, 3), { nothing: null }],
  ['NaN of a double is a text', double(20, NaN), { ratio: 'NaN' }],
  [
    'a map key that every object has is a key',
    part(7, ...entry('__proto__', 'x')),
    { labels: JSON.parse('{"__proto__":"x"}') as JsonValue },
  ],
  [
    'of entries with the same key the last one counts',
    Buffer.concat([part(7, ...entry('k', NO_TEXT)), part(7, ...entry('k', 'v'))]),
    { labels: { k: 'v' } },
  ],
  [
    'of members of a oneof the last one counts',
    Buffer.concat([part(15, NO_TEXT), part(16, part(1, 'h'))]),
    { host: { name: 'h' } },
  ],
  [
    'parts of a message are merged',
    Buffer.concat([part(16, part(1, 'h')), part(16, part(2, ...entry('k', 'v')))]),
    { host: { name: 'h', labels: { k: 'v' } } },
  ],
  [
    'a group is a message',
    part(19, part(1, 'n'), Uint8Array.of(0x1b), part(1, 'g'), Uint8Array.of(0x1c)),
    { legacy: { extra: { note: 'g' } } },
  ],
])('%s', (_, bytes, expected) => {
  const { json, problems } = read(id, bytes, networkId);
  expect(json).toMatchObject({ id: 'thing-1', networkId: 'net-1', ...expected });
  expect(problems).toEqual([]);
});

test.each<[string, (levels: number) => Uint8Array]>([
  ['messages', (levels) => nested(levels, (inner) => part(13, inner))],
  [
    'Structs',
    (levels) =>
      part(
        4,
        nested(levels, (inner) => part(1, part(1, 'k'), part(2, part(5, inner)))),
      ),
  ],
  [
    'lists',
    (levels) =>
      part(
        6,
        nested(levels, (inner) => part(1, part(6, inner))),
      ),
  ],
  ['Anys', (levels) => nested(levels, (inner) => part(11, part(1, THING), part(2, inner)))],
])(
  '%s that are nested in each other are read 90 deep, and of 10,000 what is too deep is kept as bytes',
  (what, bytes) => {
    const deep = read(id, bytes(90), networkId);
    expect(deep.problems).toEqual([]);
    expect(JSON.stringify(deep.json)).not.toContain('nested deeper');
    const { json, problems } = read(id, bytes(10_000), networkId);
    expect(json).toMatchObject({ id: 'thing-1', networkId: 'net-1' });
    if (what === 'Anys') expect(JSON.stringify(json)).toContain('nested deeper than 100 levels');
    else
      expect(problems).toEqual([
        expect.objectContaining({ problem: expect.stringContaining('nested deeper than 100 levels') as string }),
      ]);
  },
);

test('of two keys that are not UTF-8 and read alike neither is lost', () => {
  const [one, other] = [part(7, part(1, Uint8Array.of(0xff)), part(2, 'a')), part(1, Uint8Array.of(0xfe))];
  const { json, problems } = read(one, part(7, other, part(2, 'b')));
  expect(json).toMatchObject({ labels: { '\ufffd': 'a' } });
  expect(problems.map((problem) => Buffer.from(problem.base64, 'base64'))).toEqual([
    Buffer.from([0xff]),
    Buffer.concat([other, part(2, 'b')]),
  ]);
});

test('an Any that cannot be read at all is kept as bytes, without what was told of its parts', () => {
  const value = Buffer.concat([part(2, TOO_LATE), part(1, 'cut off').subarray(0, 4)]);
  const { json, problems } = read(part(11, part(1, THING), part(2, value)));
  expect(json.detail).toEqual({ '@type': THING, base64: base64(value), problem: 'premature EOF' });
  expect(problems).toEqual([]);
});

test('where no snapshot holds them, problems are in the JSON itself', () => {
  const json = anyToJson({ typeUrl: THING, value: Buffer.concat([id, part(2, TOO_LATE)]) }, registry);
  expect(json).toMatchObject({
    id: 'thing-1',
    createdAt: null,
    problems: [{ path: 'createdAt', base64: base64(TOO_LATE) }],
  });
  expect(() => bytesToJson(Thing, part(2, TOO_LATE), registry)).toThrow(/^createdAt: 253402300800 s/);
});

test('problems show no secrets', () => {
  const token = `t1.${'a'.repeat(40)}.${'b'.repeat(86)}`;
  const { problems } = read(
    part(15, token, ' ', NO_TEXT),
    part(7, ...entry(Buffer.concat([Buffer.from(token), NO_TEXT]), 'v')),
  );
  expect(problems).toHaveLength(2);
  const shown =
    JSON.stringify(problems) +
    problems.map(({ base64: text }) => Buffer.from(text, 'base64').toString('latin1')).join();
  expect(shown).toContain('[redacted]');
  expect(shown).not.toContain('aaaaaaaa');
});

describe('a hostile reply', () => {
  const many = (count: number, bytes: Uint8Array): Uint8Array =>
    Buffer.concat(new Array<Uint8Array>(count).fill(bytes));
  const HOSTILE: [string, bytes: (size: number) => Uint8Array][] = [
    ['Values without a kind', (size) => part(6, many(size / 2, part(1)))],
    ['texts that are not UTF-8', (size) => many(size / 6, part(9, NO_TEXT))],
    ['Timestamps of the year 10000', (size) => many(size / 9, part(14, TOO_LATE))],
    ['keys that are not UTF-8', (size) => many(size / 10, part(7, ...entry(NO_TEXT, '')))],
    ['messages cut off', (size) => many(size / 5, part(8, Uint8Array.of(0x0a, 0x09)))],
    ['parts of one message', (size) => many(size / 6, part(16, part(1, 'h')))],
    ['members of a oneof by turns', (size) => many(size / 6, Buffer.concat([part(15, 'a'), part(16)]))],
    [
      'messages nested without end',
      (size) => nested(size / 5, (inner) => (inner.length < size ? part(13, inner) : inner)),
    ],
    [
      'a message cut off at every level',
      (size) =>
        nested(95, (inner) => Buffer.concat([part(13, inner), part(9, 'x'.repeat(size / 100)), Uint8Array.of(0x0a)])),
    ],
    ['one text of all bytes', (size) => part(1, new Uint8Array(size).fill(0xff))],
  ];
  const time = (bytes: Uint8Array): number => {
    const times = [0, 1, 2].map(() => {
      const beganAt = performance.now();
      read(bytes);
      return performance.now() - beganAt;
    });
    return Math.min(...times);
  };

  test.each(HOSTILE)('of %s costs time by its size alone, and its problems are few and small', (_, bytes) => {
    const [small, large] = [bytes(150_000), bytes(1_500_000)];
    const ratio = time(large) / time(small);
    // By the square of the size it would be 100.
    expect(ratio).toBeLessThan((large.length / small.length) * 5);
    const { problems } = read(large);
    expect(problems.length).toBeLessThanOrEqual(100);
    expect(JSON.stringify(problems).length).toBeLessThan(150_000);
  });

  test('says how many more problems there are', () => {
    const { json, problems } = read(many(5_000, part(9, NO_TEXT)));
    expect(json.names).toEqual(new Array(5_000).fill(null));
    expect(problems).toHaveLength(100);
    expect(problems.at(-1)).toEqual({ path: '', problem: '4901 more values are null', base64: '' });
  });

  test('says of how many bytes it keeps the first', () => {
    const { problems } = read(part(1, new Uint8Array(1e6).fill(0xff)));
    expect(problems).toEqual([
      {
        path: 'metadata.id',
        problem: 'not UTF-8 (the first 3000 of 1000000 bytes)',
        base64: base64(new Uint8Array(3000).fill(0xff)),
      },
    ]);
  });
});

test('what canonical JSON can express is read as protobuf itself reads it', () => {
  const property = fc.property(fc.nat(), fc.nat(), (one, other) => {
    const parts = [one, other].map((seed) => bytesOf('values.v1.Thing', canonicalJson(Thing, seededRandom(seed))));
    const bytes = Buffer.concat(parts);
    const expected = toJson(Thing, fromBinary(Thing, bytes), { registry, alwaysEmitImplicit: true });
    expect(bytesToJson(Thing, bytes, registry)).toEqual(expected);
  });
  fc.assert(property, { numRuns: 300, seed: 20261128 });
});

/** The message with one of its values replaced by that content, and where that value is in its JSON. */
function corrupt(
  schema: typeof Thing,
  bytes: Uint8Array,
  choose: (count: number) => number,
  content: Uint8Array,
): { bytes: Uint8Array; path: (string | number)[] } | undefined {
  const reader = new BinaryReader(bytes);
  const records: { number: number; start: number; end: number; content?: Uint8Array }[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    const within = wireType === WireType.LengthDelimited ? reader.bytes() : undefined;
    if (!within) reader.skip(wireType, number);
    records.push({ number, start, end: reader.pos, ...(within && { content: within }) });
  }
  const candidates = records.filter((record) => record.content);
  const chosen = candidates[choose(candidates.length)];
  if (!chosen?.content) return undefined;
  const { number, start, end } = chosen;
  const field = schema.fields.find((one) => one.number === number);
  if (!field) throw new Error(`There is no field ${number}`);
  const isDeep = field.message?.file.name === 'values' && field.fieldKind !== 'map' && choose(3) > 0;
  const inner = isDeep ? corrupt(field.message, chosen.content, choose, content) : undefined;
  const index = records.filter((record) => record.number === number).indexOf(chosen);
  const at = field.fieldKind === 'list' && field.message ? [index] : [];
  return {
    bytes: Buffer.concat([bytes.subarray(0, start), part(number, inner?.bytes ?? content), bytes.subarray(end)]),
    path: [field.jsonName, ...at, ...(inner?.path ?? [])],
  };
}

function without(json: JsonValue, [step, ...rest]: (string | number)[]): JsonValue {
  if (step === undefined) return 'taken out';
  if (typeof json !== 'object' || json === null) throw new Error(`There is no ${step}`);
  const members = Object.entries(json).map(([key, value]) => [
    key,
    key === String(step) ? without(value, rest) : value,
  ]);
  return Object.fromEntries(members) as JsonObject;
}

test('whatever is written over a value, anywhere, every other value stays as it was', () => {
  let nulls = 0;
  const contents = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(NO_TEXT, TOO_LATE, NAN, part(6), part(1, NO_TEXT)),
  );
  const property = fc.property(fc.nat(), contents, fc.infiniteStream(fc.nat()), (seed, content, random) => {
    const choose = (count: number): number => (count === 0 ? 0 : random.next().value % count);
    const whole = bytesOf('values.v1.Thing', canonicalJson(Thing, seededRandom(seed)));
    const corrupted = corrupt(Thing, whole, choose, content);
    if (!corrupted) return;
    const { json, problems } = read(corrupted.bytes);
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
    expect(without(json, corrupted.path)).toEqual(without(read(whole).json, corrupted.path));
    for (const { path } of problems) expect(path.startsWith(`metadata.${corrupted.path[0]}`)).toBe(true);
    if (problems.length > 0) nulls++;
  });
  fc.assert(property, { numRuns: 3_000, seed: 20261128 });
  expect(nulls).toBeGreaterThan(500);
});

test('whatever becomes of the bytes, there is JSON, and what it lacks is kept as bytes', () => {
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 });
  const property = fc.property(fc.nat(), flips, fc.nat(), (seed, changes, cut) => {
    const whole = Buffer.from(bytesOf('values.v1.Thing', canonicalJson(Thing, seededRandom(seed))));
    const bytes = cut % 3 === 0 ? whole.subarray(0, cut % (whole.length + 1)) : whole;
    for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
    const { json, problems } = read(bytes);
    expect(JSON.parse(JSON.stringify({ json, problems }))).toEqual({ json, problems });
    if ('base64' in json) expect(json).toMatchObject({ '@type': THING, base64: base64(bytes) });
  });
  fc.assert(property, { numRuns: 3_000, seed: 20261128 });
});
