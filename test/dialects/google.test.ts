import type { CloudOptions } from 'temporal-lro';
import { googleApi } from '../../src/apis/google';
import { wireFields } from '../../src/descriptors/option-values';
import { disks, googleDescriptors, longrunning } from './clouds';
import { descriptorSet } from './descriptors';
import { anyOf, encoded, failureOf, QUICK, Scene } from './scene';

const SERVICE = 'google.longrunning.Operations';
const GET = `/${SERVICE}/GetOperation`;
const CANCEL = `/${SERVICE}/CancelOperation`;
const ID = 'projects/p/locations/l/operations/op-1';

/** The string fields of a request. */
const strings = (bytes: Uint8Array): Record<number, string> =>
  Object.fromEntries(wireFields(bytes).map(({ number, text }) => [number, text]));
const reply = (operation: object): Buffer => encoded(SERVICE, 'GetOperation', operation);

let scene: Scene;
let options: CloudOptions;
beforeEach(async () => {
  scene = await Scene.start();
  options = { api: 'google', endpoint: scene.address, descriptors: googleDescriptors };
});
afterEach(() => scene.close());

test('an operation is polled by its name, which routes the call, until its response is there', async () => {
  const metadata = anyOf('acme.v1.DiskMetadata', Buffer.from('\x0a\x06create\x12\x07disks/d'));
  const response = anyOf('acme.v1.Disk', Buffer.from('\x0a\x07disks/d'));
  scene.on(GET, reply({ name: ID, metadata }), reply({ name: ID, metadata, done: true, response }));
  const client = scene.client(options);
  expect(await client.get(ID)).toEqual({
    cloud: 'default',
    id: ID,
    state: 'running',
    metadata: { '@type': 'type.googleapis.com/acme.v1.DiskMetadata', verb: 'create', target: 'disks/d' },
  });
  expect(await client.wait(ID, QUICK)).toEqual({ '@type': 'type.googleapis.com/acme.v1.Disk', name: 'disks/d' });
  const [call] = scene.calls;
  expect(call?.header('x-goog-request-params')).toBe('name=projects%2Fp%2Flocations%2Fl%2Foperations%2Fop-1');
  expect(strings(call?.body ?? Buffer.of())).toEqual({ 1: ID });
});

test('a cancellation is followed by a poll, since its reply is empty, and ends with CANCELLED', async () => {
  scene.on(CANCEL, Buffer.of());
  scene.on(GET, reply({ name: ID, done: true, error: { code: 1, message: 'stopped', details: [] } }));
  const cancelled = await scene.client(options).cancel(ID);
  expect(cancelled).toMatchObject({ state: 'failed', error: { codeName: 'CANCELLED', message: 'stopped' } });
  expect(scene.calls.map((call) => call.path)).toEqual([CANCEL, GET]);
});

test('a start is marked in the field for it, by its name or by its format, unless the caller has set it', async () => {
  for (const verb of ['Create', 'Delete', 'Grow']) scene.on(`/acme.v1.Disks/${verb}Disk`, reply({ name: ID }));
  const client = scene.client(options);
  const uuid = '0a1b2c3d-4e5f-4a6b-8c7d-9e8f7a6b5c4d';
  const key = { idempotencyKey: uuid };
  await client.start('acme.v1.Disks/CreateDisk', { parent: 'projects/p', disk: { name: 'd' } }, key);
  await client.start('acme.v1.Disks/CreateDisk', { parent: 'projects/p', request_id: 'mine' }, key);
  await client.start('acme.v1.Disks/DeleteDisk', { name: 'd' }, key);
  await client.start('acme.v1.Disks/DeleteDisk', { name: 'd' }, { idempotencyKey: 'no UUID'.replace(' ', '-') });
  await client.start('acme.v1.Disks/GrowDisk', { name: 'd' }, key);
  const [create, given, remove, derived, grow] = scene.calls.map(({ body }) => strings(body));
  expect([create?.[2], given?.[2], remove?.[2], grow]).toEqual([uuid, 'mine', uuid, { 1: 'd' }]);
  expect(derived?.[2]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  const [headers] = scene.calls;
  expect(headers?.header('x-goog-request-params')).toBe('parent=projects%2Fp&disk.name=d');
});

describe('the host of an operation', () => {
  const two = descriptorSet(
    longrunning,
    disks('acme.v1', 'disks.googleapis.com'),
    disks('acme.v2', 'v2.googleapis.com'),
  );

  test('is that of the service that started it, as `services` says first', async () => {
    scene.on(GET, reply({ name: ID }));
    const services = { 'acme.v2': scene.address };
    const client = scene.client({ api: 'google', descriptors: [two], services });
    for (const service of ['acme.v2', 'acme.v2.Disks', '/acme.v2.Disks/CreateDisk']) {
      expect(await client.get(ID, { service })).toMatchObject({ id: ID });
    }
  });

  test('must be named if several are possible: the failure lists them', async () => {
    const client = scene.client({ api: 'google', descriptors: [two] });
    for (const service of [undefined, 'acme']) {
      const failure = await failureOf(client.get(ID, service === undefined ? {} : { service }));
      expect(failure).toMatchObject({ type: 'OperationConfigurationError', operationId: ID });
      expect(failure).toHaveProperty(
        'message',
        expect.stringContaining('disks.googleapis.com:443, v2.googleapis.com:443') as string,
      );
    }
  });

  test('is never one outside Google: its token must not go there', async () => {
    const set = descriptorSet(longrunning, disks('acme.v1', 'googleapis.com.evil.example'));
    const client = scene.client({ api: 'google', descriptors: [set] });
    const failure = await failureOf(client.start('acme.v1.Disks/GrowDisk', { name: 'd' }));
    expect(failure).toMatchObject({ type: 'OperationConfigurationError' });
    expect(failure).toHaveProperty('message', expect.stringContaining('no host is known for acme.v1.Disks') as string);
  });
});

test('the bytes of another message are an operation that cannot be read, and not one that runs forever', async () => {
  // Yandex's Operation: field 3 is a time.
  scene.on(GET, encoded('yandex.cloud.operation.OperationService', 'Get', { id: ID, createdAt: { seconds: '1' } }));
  const failure = await failureOf(scene.client(options).wait(ID, QUICK));
  expect(failure).toMatchObject({ type: 'OperationUnreadable', operationId: ID });
});

test('the quota project is sent with every call', async () => {
  scene.on(GET, reply({ name: ID }));
  await scene.client({ ...options, api: googleApi({ quotaProject: 'q' }) }).get(ID);
  expect(scene.calls.map((call) => call.header('x-goog-user-project'))).toEqual(['q']);
});
