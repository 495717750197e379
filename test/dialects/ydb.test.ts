import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { descriptorSet } from './descriptors';
import { failureOf, QUICK, Scene } from './scene';
import { ydbApi } from './ydb';

// The example is in ydb.ts, so that it is compiled, linted and run here.

const OPERATION = 'Ydb.Operations.Operation';
const descriptors = [
  descriptorSet(
    { package: 'Ydb.Operations', messages: { Operation: [] } },
    {
      package: 'Ydb.Export.V1',
      messages: { ExportRequest: [{ name: 'path' }], ExportResponse: [{ name: 'operation', type: OPERATION }] },
      services: {
        ExportService: {
          methods: [{ name: 'Export', input: 'Ydb.Export.V1.ExportRequest', output: 'Ydb.Export.V1.ExportResponse' }],
        },
      },
    },
  ),
];
const GET = ydbApi.get.path;
const ID = 'ydb://export/6?id=1';

const part = (field: number, content: Uint8Array | string): Uint8Array => {
  const writer = new BinaryWriter().tag(field, WireType.LengthDelimited);
  return (typeof content === 'string' ? writer.string(content) : writer.bytes(content)).finish();
};
const number = (field: number, value: number): Uint8Array =>
  new BinaryWriter().tag(field, WireType.Varint).uint32(value).finish();
/** A reply whose field 1 is an operation. */
const reply = (...fields: Uint8Array[]): Uint8Array => part(1, Buffer.concat([part(1, ID), ...fields]));

let scene: Scene;
beforeEach(async () => (scene = await Scene.start()));
afterEach(() => scene.close());

test('the example in the documentation is this one, in under 60 lines', () => {
  const root = join(__dirname, '..', '..', '..');
  const example = readFileSync(join(root, 'test', 'dialects', 'ydb.ts'), 'utf8');
  expect(readFileSync(join(root, 'docs', 'clouds.md'), 'utf8')).toContain(`// src/ydb.ts\n${example}`);
  expect(example.trimEnd().split('\n').length).toBeLessThan(60);
});

// Proves docs/clouds.md: "The example is a complete implementation for YDB"
test('operations of YDB are started, awaited and cancelled with it', async () => {
  const result = part(5, Buffer.concat([part(1, 'type.googleapis.com/google.protobuf.Empty')]));
  scene.on('/Ydb.Export.V1.ExportService/Export', reply());
  scene.on(GET, reply(), reply(number(2, 1), number(3, 400_000), result));
  scene.on(ydbApi.cancel?.path ?? '', number(1, 400_000));
  const client = scene.client({ api: ydbApi, endpoint: scene.address, descriptors });
  expect(await client.start('Ydb.Export.V1.ExportService/Export', { path: '/a' })).toMatchObject({
    id: ID,
    state: 'running',
  });
  expect(await client.wait(ID, QUICK)).toEqual({ '@type': 'type.googleapis.com/google.protobuf.Empty' });
  expect(await client.cancel(ID)).toMatchObject({ state: 'succeeded' });
});

test('its failures have the text of the first issue', async () => {
  scene.on(GET, reply(number(2, 1), number(3, 400_130), part(4, part(2, 'no such table'))));
  const client = scene.client({ api: ydbApi, endpoint: scene.address, descriptors });
  expect(await failureOf(client.wait(ID))).toMatchObject({
    type: 'OperationFailed',
    message: expect.stringContaining('status 400130: no such table') as string,
  });
});
