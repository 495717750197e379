import type { CloudOptions } from 'temporal-lro';
import { wireFields } from '../../src/descriptors/option-values';
import { nebiusDescriptors } from './clouds';
import { encoded, failureOf, QUICK, Scene } from './scene';

const SERVICE = 'nebius.common.v1.OperationService';
const GET = `/${SERVICE}/Get`;
const READ = '/nebius.compute.v1.DiskService/Get';
const ID = 'computeoperation-1';
const TYPE = 'type.googleapis.com/nebius.compute.v1.Disk';

const PACKAGE = 'nebius.compute.v1';
const CREATE = `/${PACKAGE}.DiskService/Create`;
const disk = Buffer.from('\x0a\x05disk1');
const reply = (operation: object): Buffer => encoded(SERVICE, 'Get', { id: ID, ...operation });
const done = reply({ status: {}, resourceId: 'disk1' });
const NOT_FOUND = 5;

let scene: Scene;
let options: CloudOptions;
beforeEach(async () => {
  scene = await Scene.start();
  options = { api: 'nebius', endpoint: scene.address, descriptors: nebiusDescriptors };
});
afterEach(() => scene.close());
const paths = (): string[] => scene.calls.map(({ path }) => path);

test('an operation runs while it has no status; an empty status is a success, and the result is its resource', async () => {
  scene.on(GET, reply({ description: 'create disk', resourceId: 'disk1' }), done);
  scene.on(READ, disk);
  const client = scene.client(options);
  expect(await client.get(ID)).toEqual({
    cloud: 'default',
    id: ID,
    description: 'create disk',
    resourceId: 'disk1',
    state: 'running',
  });
  expect(await client.wait(ID, { ...QUICK, service: CREATE })).toEqual({ '@type': TYPE, id: 'disk1' });
  expect(paths()).toEqual([GET, GET, READ]);
  expect(wireFields(scene.calls[2]?.body ?? Buffer.of()).map(({ text }) => text)).toEqual(['disk1']);
});

test('a resource that is not there yet is read again with the next polls', async () => {
  scene.on(GET, done);
  scene.on(READ, NOT_FOUND, NOT_FOUND, disk);
  expect(await scene.client(options).wait(ID, { ...QUICK, service: CREATE })).toEqual({ '@type': TYPE, id: 'disk1' });
  expect(paths()).toEqual([GET, READ, GET, READ, GET, READ]);
});

test('the result of a deletion is empty, and so is that of an operation whose method is not known: nothing is read', async () => {
  scene.on(GET, done);
  const empty = { '@type': 'type.googleapis.com/google.protobuf.Empty' };
  const client = scene.client(options);
  expect(await client.wait(ID, { service: `/${PACKAGE}.DiskService/Delete` })).toEqual(empty);
  expect(await client.wait(ID)).toEqual(empty);
  expect(await client.get(ID)).toMatchObject({ state: 'succeeded', resourceId: 'disk1' });
});

test('a status with a code is a failure', async () => {
  scene.on(GET, reply({ status: { code: 10, message: 'a newer operation came', details: [] } }));
  expect(await failureOf(scene.client(options).wait(ID))).toMatchObject({
    type: 'OperationFailed',
    codeName: 'ABORTED',
    message: expect.stringContaining('a newer operation came') as string,
  });
});

test('progress comes from the tracker: its work and its first step that has not finished', async () => {
  const steps = [
    { description: 'allocate', finishedAt: { seconds: '1' } },
    { description: 'copy', workDone: { totalTickCount: '9', doneTickCount: '3' } },
  ];
  scene.on(GET, reply({ progressTracker: { workDone: { totalTickCount: '4', doneTickCount: '1' }, steps } }));
  expect(await scene.client(options).get(ID)).toMatchObject({
    state: 'running',
    progress: { percent: 25, step: 'copy', done: 1, total: 4 },
  });
});

test('a start is marked by a header of letters, digits and hyphens', async () => {
  scene.on(CREATE, reply({}));
  const client = scene.client(options);
  for (const idempotencyKey of ['key-1', 'key_1']) await client.start(CREATE, { name: 'd' }, { idempotencyKey });
  const [kept, hashed] = scene.calls.map((call) => call.header('x-idempotency-key'));
  expect(kept).toBe('key-1');
  expect(hashed).toMatch(/^[0-9a-f]{64}$/);
});

test('a start whose operation is done already, and has no id, returns the resource', async () => {
  scene.on(CREATE, encoded(SERVICE, 'Get', { status: {}, resourceId: 'disk1' }));
  scene.on(READ, disk);
  const started = await scene.client(options).start(CREATE, { name: 'd' });
  expect(started).toMatchObject({ id: '', state: 'succeeded', response: { '@type': TYPE, id: 'disk1' } });
});

test('there is no Cancel: the call is refused here, and the cloud is not asked', async () => {
  const cancelled = scene.client(options).cancel(ID);
  await expect(cancelled).rejects.toMatchObject({ codeName: 'UNIMPLEMENTED' });
  expect(scene.calls).toEqual([]);
});

test.each([
  ['nebius.compute.v1.DiskService', 'compute.api.nebius.cloud:443'],
  ['nebius.storage', 'cpl.storage.api.nebius.cloud:443, transfer.storage.api.nebius.cloud:443'],
])('the host of %s is known without its descriptors: %s', async (service, hosts) => {
  // No call leaves this machine: plaintext is for loopback only, and two hosts are ambiguous.
  const client = scene.client({ api: 'nebius', services: { 'acme.v1': scene.address } });
  const failure = await failureOf(client.get(ID, { service }));
  expect(failure).toMatchObject({ type: 'OperationConfigurationError' });
  expect(failure).toHaveProperty('message', expect.stringContaining(hosts.split(':')[0] ?? '') as string);
});
