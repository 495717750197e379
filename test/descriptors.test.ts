import { create, fromJson, toBinary, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { AnySchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { anyToJson } from '../src/descriptors/any-to-json';
import { loadDescriptors } from '../src/descriptors/load';
import { yandexApi } from '../src/apis/yandex';
import { findOperationMethod } from '../src/descriptors/operation-method';
import { DescriptorError, DescriptorRegistry } from '../src/descriptors/registry';

// As Python writes descriptors: without the JSON names of the fields.
const field = (number: number, name: string, type: string, label = 'LABEL_OPTIONAL'): JsonObject => ({
  name,
  number,
  label,
  ...(type.startsWith('.') ? { type: type === '.a.State' ? 'TYPE_ENUM' : 'TYPE_MESSAGE', typeName: type } : { type }),
});
const map = (number: number, name: string, entry: string): JsonObject =>
  field(number, name, `.a.Holder.${entry}`, 'LABEL_REPEATED');
const mapEntry = (name: string, value: string): JsonObject => ({
  name,
  field: [field(1, 'key', 'TYPE_STRING'), field(2, 'value', value)],
  options: { mapEntry: true },
});
const ANY = '.google.protobuf.Any';
const FILE: JsonObject = {
  name: 'a.proto',
  package: 'a',
  syntax: 'proto3',
  dependency: ['google/protobuf/any.proto', 'google/protobuf/struct.proto', 'google/protobuf/timestamp.proto'],
  messageType: [
    {
      name: 'Holder',
      field: [
        field(1, 'display_name', 'TYPE_STRING'),
        field(2, 'one_any', ANY),
        field(3, 'many_anys', ANY, 'LABEL_REPEATED'),
        map(4, 'anys_by_key', 'AnysByKeyEntry'),
        map(5, 'labels', 'LabelsEntry'),
        field(6, 'child', '.a.Holder'),
        field(7, 'created_at', '.google.protobuf.Timestamp'),
        field(8, 'free_form', '.google.protobuf.Struct'),
        field(9, 'size_bytes', 'TYPE_INT64'),
        field(10, 'state', '.a.State'),
      ],
      nestedType: [mapEntry('AnysByKeyEntry', ANY), mapEntry('LabelsEntry', 'TYPE_STRING')],
    },
  ],
  enumType: [{ name: 'State', value: [{ name: 'STATE_UNSPECIFIED', number: 0 }] }],
};

function setOf(...file: JsonObject[]): Uint8Array {
  return toBinary(FileDescriptorSetSchema, fromJson(FileDescriptorSetSchema, { file }));
}

const registry = loadDescriptors([setOf(FILE)]);
const HOLDER = 'type.googleapis.com/a.Holder';

/** Serializes a message from its canonical JSON. */
function bytes(typeName: string, json: JsonValue): Uint8Array {
  const schema = registry.getMessage(typeName);
  if (!schema) throw new Error(`no ${typeName}`);
  return toBinary(schema, fromJson(schema, json, { registry }));
}

const holder = (json: JsonObject): JsonObject =>
  anyToJson({ typeUrl: HOLDER, value: bytes('a.Holder', json) }, registry);
/** An Any of a type without a descriptor, packed in an Any of a type that only this test describes. */
const anyBytes = (typeUrl: string, value: Uint8Array): Uint8Array =>
  toBinary(AnySchema, create(AnySchema, { typeUrl, value }));
/** A length-delimited field of a message, whatever its type. */
const part = (number: number, value: Uint8Array): Uint8Array => {
  const length: number[] = [];
  for (let rest = value.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Uint8Array.of((number << 3) | 2, ...length), value]);
};
const read = (...parts: Uint8Array[]): JsonObject =>
  anyToJson({ typeUrl: HOLDER, value: Buffer.concat(parts) }, registry);

const like = (pattern: RegExp): unknown => expect.stringMatching(pattern);

const SECRET = Buffer.from('\n\x03abc');
const UNKNOWN = 'type.googleapis.com/x.Unknown';
const kept = { '@type': UNKNOWN, base64: SECRET.toString('base64'), problem: 'no descriptor of x.Unknown' };

test('an Any without a descriptor is kept as bytes wherever it is nested, and the message around it is read', () => {
  const any = anyBytes(UNKNOWN, SECRET);
  const entry = Buffer.concat([part(1, Buffer.from('k')), part(2, any)]);
  expect(
    read(
      part(1, Buffer.from('n')),
      part(2, any),
      part(3, any),
      part(3, anyBytes(HOLDER, part(2, any))),
      part(4, entry),
    ),
  ).toMatchObject({
    displayName: 'n',
    oneAny: kept,
    manyAnys: [kept, { '@type': HOLDER, oneAny: kept }],
    anysByKey: { k: kept },
  });
});

test('an Any nested 3,000 times is read down to a maximum depth, and the rest is kept as bytes', () => {
  const levels = [SECRET];
  for (let i = 0; i < 3000; i++) levels.push(Buffer.from(part(2, anyBytes(HOLDER, levels.at(-1) ?? SECRET))));
  let json = read(levels.at(-1) ?? SECRET);
  let depth = 0;
  for (; typeof json.oneAny === 'object' && json.oneAny !== null && !Array.isArray(json.oneAny); depth++)
    json = json.oneAny;
  expect(depth).toBeGreaterThan(10);
  expect(json).toEqual({
    '@type': HOLDER,
    base64: levels.at(-1 - depth)?.toString('base64'),
    problem: like(/nested deeper than/),
  });
});

test('map keys such as "constructor", which every object has, are ordinary keys', () => {
  const labels = Object.fromEntries(['__proto__', 'constructor', 'toString', ''].map((key) => [key, key]));
  const travelled = JSON.parse(JSON.stringify(holder({ labels, freeForm: labels }))) as JsonObject;
  expect(Object.entries(travelled.labels ?? {})).toEqual(expect.arrayContaining(Object.entries(labels)));
  expect(Object.keys(travelled.freeForm ?? {}).sort()).toEqual(Object.keys(labels).sort());
  expect(({} as JsonObject).__proto__).toBe(Object.prototype);
});

test('an @type in free-form data has no meaning', () => {
  const freeForm = { '@type': 'nested/0/google.protobuf.Empty' };
  expect(holder({ freeForm, oneAny: { '@type': 'type.googleapis.com/google.protobuf.Empty' } })).toMatchObject({
    freeForm,
    oneAny: { '@type': 'type.googleapis.com/google.protobuf.Empty' },
  });
});

test('fields without presence are always set, an int64 is a string, and an unknown enum value is a number', () => {
  expect(read()).toEqual({
    '@type': HOLDER,
    displayName: '',
    manyAnys: [],
    anysByKey: {},
    labels: {},
    sizeBytes: '0',
    state: 'STATE_UNSPECIFIED',
  });
  expect(holder({ sizeBytes: '9007199254740993', state: 7 })).toMatchObject({
    sizeBytes: '9007199254740993',
    state: 7,
  });
});

test.each<[string, JsonValue, JsonObject]>([
  ['Empty', {}, {}],
  ['Duration', '1.5s', { value: '1.500s' }],
  ['Timestamp', '2026-03-01T12:00:00Z', { value: '2026-03-01T12:00:00Z' }],
  ['Struct', { a: [null, true] }, { value: { a: [null, true] } }],
  ['StringValue', 'x', { value: 'x' }],
  ['Any', { '@type': HOLDER, displayName: 'x' }, { value: { '@type': HOLDER, displayName: 'x' } }],
])(
  'a google.protobuf.%s within an Any has the JSON that the protobuf specification defines',
  (name, json, expected) => {
    const typeUrl = `type.googleapis.com/google.protobuf.${name}`;
    const found = anyToJson({ typeUrl, value: bytes(`google.protobuf.${name}`, json) }, registry);
    expect(found).toMatchObject({ '@type': typeUrl, ...expected });
  },
);

test('whatever its bytes and type, an Any becomes JSON without losing data', () => {
  const typeUrls = [
    HOLDER,
    UNKNOWN,
    '',
    '/',
    'a.Holder',
    'a.State',
    'type.googleapis.com/google.protobuf.Any',
    '__proto__',
  ];
  const nasty = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.uint8Array({ maxLength: 20 }).map((value) => part(2, anyBytes(HOLDER, value))),
  );
  const property = fc.property(fc.constantFrom(...typeUrls), nasty, (typeUrl, value) => {
    const json = anyToJson({ typeUrl, value }, registry);
    expect(json['@type']).toBe(typeUrl);
    if (typeof json.problem === 'string') expect(json.base64).toBe(Buffer.from(value).toString('base64'));
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
  });
  fc.assert(property, { numRuns: 2000, seed: 20261125 });
});

describe('a descriptor set', () => {
  const importing = (name: string, ...dependency: string[]): JsonObject => ({
    name: `${name}.proto`,
    package: name,
    syntax: 'proto3',
    dependency: dependency.map((other) => `${other}.proto`),
    messageType: [{ name: 'M', field: dependency.map((other, i) => field(i + 1, other, `.${other}.M`)) }],
  });

  test('without an import names the missing file, when a type needs it', () => {
    const lacking = new DescriptorRegistry().add(setOf(importing('top', 'lost')));
    const problem = 'lost.proto, which top.proto imports, is not in the descriptor sets: build them with imports';
    expect(() => lacking.getMessage('top.M')).toThrow(new DescriptorError(problem));
    expect(anyToJson({ typeUrl: 'x/top.M', value: SECRET }, lacking)).toEqual({
      '@type': 'x/top.M',
      base64: SECRET.toString('base64'),
      problem,
    });
  });

  test('without an import of a method reports that for the method, and throws no error', () => {
    const service = { name: 'S', method: [{ name: 'Create', inputType: '.top.M', outputType: '.lost.M' }] };
    const lacking = new DescriptorRegistry().add(setOf({ ...importing('top', 'lost'), service: [service] }));
    expect(findOperationMethod(lacking, '/top.S/Create', yandexApi.starts)).toBe(
      'lost.proto, which top.proto imports, is not in the descriptor sets: build them with imports',
    );
  });

  test('with two paths to the same import is built', () => {
    const diamond = [
      importing('top', 'left', 'right'),
      importing('left', 'base'),
      importing('right', 'base'),
      importing('base'),
    ];
    expect(new DescriptorRegistry().add(setOf(...diamond)).getMessage('top.M')?.fields).toHaveLength(2);
  });

  const dangling = { ...importing('top'), messageType: [{ name: 'M', field: [field(1, 'x', '.no.M')] }] };
  test.each<[string, JsonObject[], RegExp]>([
    ['refers to a type that it does not have', [dangling], /^top\.proto cannot be built: .*\.no\.M not found$/],
    [
      'imports itself',
      [importing('top', 'on'), importing('on', 'top')],
      /^top\.proto cannot be built: it imports itself$/,
    ],
  ])('that %s throws an error that says so, when a type needs it', (_, files, message) => {
    const broken = new DescriptorRegistry().add(setOf(...files));
    expect(() => broken.getMessage('top.M')).toThrow(message);
    expect(() => broken.getMessage('top.M')).toThrow(DescriptorError);
  });

  test('takes precedence over a later one with the same file', () => {
    const other = { ...importing('a'), name: 'a.proto', messageType: [{ name: 'Other' }] };
    expect(new DescriptorRegistry().add(setOf(FILE)).add(setOf(other)).getMessage('a.Other')).toBeUndefined();
  });

  test.each<[string, string | Uint8Array, RegExp]>([
    [
      'a file that is not there',
      '/no/such.binpb',
      /^cannot read \/no\/such\.binpb: .*ENOENT.* Give FileDescriptorSets, as "buf build"/,
    ],
    ['other bytes', Buffer.from('hello'), /^cannot read descriptors\[0\] \(5 bytes\): not a FileDescriptorSet \(/],
    [
      'a set cut off',
      setOf(FILE).subarray(0, 100),
      /^cannot read descriptors\[0\] \(100 bytes\): not a FileDescriptorSet/,
    ],
    ['nothing', new Uint8Array(), /^cannot read descriptors\[0\] \(0 bytes\): a FileDescriptorSet without files/],
  ])('which is %s is refused with its name', (_, set, message) => {
    expect(() => loadDescriptors([set])).toThrow(message);
    expect(() => loadDescriptors([set])).toThrow(DescriptorError);
  });
});
