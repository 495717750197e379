import type { CloudOptions } from 'temporal-lro';
import { wireFields } from '../../src/descriptors/option-values';
import { temporalCloudDescriptors } from './clouds';
import { encoded, failureOf, QUICK, Scene } from './scene';

const PACKAGE = 'temporal.api.cloud.cloudservice.v1';
const SERVICE = `${PACKAGE}.CloudService`;
const GET = `/${SERVICE}/GetAsyncOperation`;
const CREATE = `/${SERVICE}/CreateNamespace`;
const READ = `/${SERVICE}/GetNamespace`;
const ID = 'op-1';

const reply = (operation: object): Buffer =>
  encoded(SERVICE, 'GetAsyncOperation', { asyncOperation: { id: ID, ...operation } });
/** A reply to a start: the ID of the resource in field 1, and the operation in field 2. */
const started = (operation: object): Buffer => {
  const inner = reply(operation).subarray(1);
  return Buffer.concat([Buffer.from('\x0a\x04ns.a\x12'), inner]);
};
const namespace = Buffer.from('\x0a\x06\x0a\x04ns.a');

let scene: Scene;
let options: CloudOptions;
beforeEach(async () => {
  scene = await Scene.start();
  options = { api: 'temporalCloud', endpoint: scene.address, descriptors: temporalCloudDescriptors };
});
afterEach(() => scene.close());

test('a start is marked in the request, finds the operation in a field of the reply, and the resource beside it', async () => {
  scene.on(CREATE, started({ state: 'STATE_PENDING', operationType: 'create-namespace' }));
  const operation = await scene.client(options).start(CREATE, { name: 'ns' }, { idempotencyKey: 'key-1' });
  expect(operation).toEqual({
    cloud: 'default',
    id: ID,
    description: 'create-namespace',
    resourceId: 'ns.a',
    progress: { step: 'pending' },
    state: 'running',
  });
  const [call] = scene.calls;
  expect(wireFields(call?.body ?? Buffer.of()).map(({ text }) => text)).toEqual(['ns', 'key-1']);
  expect(call?.header('temporal-cloud-api-version')).toBe('v0.19.1');
});

test('a start that is done at once has the resource that the reply names', async () => {
  scene.on(CREATE, started({ state: 'STATE_FULFILLED' }));
  scene.on(READ, namespace);
  expect(await scene.client(options).start(CREATE, { name: 'ns' })).toMatchObject({
    state: 'succeeded',
    response: { '@type': `type.googleapis.com/${PACKAGE}.Namespace`, namespace: 'ns.a' },
  });
});

test.each([
  ['STATE_FAILED', 'OperationFailed', 'UNKNOWN'],
  ['STATE_REJECTED', 'OperationFailed', 'FAILED_PRECONDITION'],
  ['STATE_CANCELLED', 'OperationCancelled', 'CANCELLED'],
])('%s is a failure with the reason of the cloud', async (state, type, codeName) => {
  scene.on(GET, reply({ state, failureReason: 'no such region' }));
  const failure = await failureOf(scene.client(options).wait(ID));
  expect(failure).toMatchObject({ type, codeName, message: expect.stringContaining('no such region') as string });
});

test('a state of a newer version is in progress and is shown, and an older server says it in another field', async () => {
  scene.on(
    GET,
    reply({ state: 42 }),
    reply({ stateDeprecated: 'in_progress' }),
    reply({ stateDeprecated: 'fulfilled' }),
  );
  const client = scene.client(options);
  expect(await client.get(ID)).toMatchObject({
    state: 'running',
    progress: { step: 'state 42, which this version does not know' },
  });
  expect(await client.get(ID)).toEqual({ cloud: 'default', id: ID, state: 'running' });
  expect(await client.wait(ID, QUICK)).toEqual({ '@type': 'type.googleapis.com/google.protobuf.Empty' });
});

test('the bytes of another message are an operation that cannot be read, and not one that runs forever', async () => {
  scene.on(GET, encoded('yandex.cloud.operation.OperationService', 'Get', { id: 'fcmq0j5033e516c56ctq' }));
  expect(await failureOf(scene.client(options).wait(ID, { ...QUICK }))).toMatchObject({
    type: 'OperationUnreadable',
  });
});
