import { fromBinary, toJson, type DescMessage, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { bytesToJson } from '../../src/descriptors/any-to-json';
import { canonicalJson, seededRandom } from '../support/canonical-json';
import { bytesOf, double, NO_TEXT, part, registry, Thing, THING, TOO_LATE } from './descriptors';
import { base64, read } from './reading';

const seed = 20261128;
const thing = (of: number): Uint8Array => bytesOf('values.v1.Thing', canonicalJson(Thing, seededRandom(of)));

test('values that canonical JSON can express are read as protobuf itself reads them', () => {
  const property = fc.property(fc.nat(), fc.nat(), (one, other) => {
    const bytes = Buffer.concat([thing(one), thing(other)]);
    const expected = toJson(Thing, fromBinary(Thing, bytes), { registry, alwaysEmitImplicit: true });
    expect(bytesToJson(Thing, bytes, registry)).toEqual(expected);
  });
  fc.assert(property, { numRuns: 100, seed });
});

type Path = (string | number)[];

/** The message with the content of one of its fields replaced, at any depth, and the path of that field in the JSON. */
function overwrite(
  schema: DescMessage,
  bytes: Uint8Array,
  content: Uint8Array,
  choose: (count: number) => number,
): { bytes: Uint8Array; path: Path } {
  const reader = new BinaryReader(bytes);
  const records: { number: number; start: number; end: number; old: Uint8Array }[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited) reader.skip(wireType, number);
    else records.push({ number, start, old: reader.bytes(), end: reader.pos });
  }
  const record = records[choose(records.length)];
  const field = schema.fields.find(({ number }) => number === record?.number);
  if (!record || !field) return { bytes, path: [] };
  const { number, start, end, old } = record;
  const isOurs = field.fieldKind !== 'map' && field.message?.typeName.startsWith('values.v1.');
  const inner = isOurs && field.message && choose(3) > 0 ? overwrite(field.message, old, content, choose) : undefined;
  const index = records.filter((other) => other.number === number).indexOf(record);
  return {
    bytes: Buffer.concat([bytes.subarray(0, start), part(number, inner?.bytes ?? content), bytes.subarray(end)]),
    path: [field.jsonName, ...(isOurs && field.fieldKind === 'list' ? [index] : []), ...(inner?.path ?? [])],
  };
}

/** The JSON without the value at that path. */
function without(json: JsonValue, [step, ...rest]: Path): JsonValue {
  if (step === undefined) return 'taken out';
  const members = Object.entries(json ?? {}).map(([key, value]: [string, JsonValue]): [string, JsonValue] => [
    key,
    key === String(step) ? without(value, rest) : value,
  ]);
  return Object.fromEntries(members);
}

test('when any bytes replace one field, at any depth, every other field keeps its value', () => {
  let spoilt = 0;
  const bad = fc.constantFrom(NO_TEXT, TOO_LATE, double(2, NaN), part(6), part(1, NO_TEXT));
  const contents = fc.oneof(fc.uint8Array({ maxLength: 40 }), bad);
  const choices = fc.array(fc.nat(), { minLength: 12, maxLength: 12 });
  const property = fc.property(fc.nat(), contents, choices, (of, content, chosen) => {
    const whole = thing(of);
    const rest = [...chosen];
    const { bytes, path } = overwrite(Thing, whole, content, (count) => (rest.pop() ?? 0) % Math.max(1, count));
    if (path.length === 0) return;
    const { json, problems } = read(bytes);
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
    expect(without(json, path)).toEqual(without(read(whole).json, path));
    for (const problem of problems) expect(problem.path).toMatch(new RegExp(`^metadata\\.${path[0]}\\b`));
    if (problems.length > 0) spoilt++;
  });
  fc.assert(property, { numRuns: 400, seed });
  // Shows that the replaced bytes had an effect.
  expect(spoilt).toBeGreaterThan(100);
});

test('when any bytes are changed or cut off, the result is JSON, and what it lacks is kept as bytes', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 });
  const property = fc.property(fc.nat(), changes, fc.nat(), (of, all, cut) => {
    const whole = Buffer.from(thing(of));
    const bytes = cut % 2 === 0 ? whole : whole.subarray(0, cut % (whole.length + 1));
    for (const [at, byte] of all) if (bytes.length > 0) bytes[at % bytes.length] = byte;
    const found: { json: JsonObject } = read(bytes);
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
    if ('base64' in found.json) expect(found.json).toMatchObject({ '@type': THING, base64: base64(bytes) });
  });
  fc.assert(property, { numRuns: 400, seed });
});
