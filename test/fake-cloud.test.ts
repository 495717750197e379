import { join } from 'node:path';
import { fromJsonString, toBinary } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { decodeOperation } from '../src/apis/yandex';
import { OperationsClient } from '../src/client/operations-client';
import { loadDescriptors } from '../src/descriptors/load';
import { yandexApi } from '../src/apis/yandex';
import { findOperationMethod } from '../src/descriptors/operation-method';
import type { AnyJson, OperationSnapshot } from '../src/model/snapshot';
import { checkScript } from '../src/testing/check-script';
import { FakeCloud } from '../src/testing/fake-cloud';
import { ClusterService, NetworkService, NodeGroupService } from '../src/testing/resources';
import type { Fault, FaultEffect, OperationScript, Script } from '../src/testing/script';
import { PROTO_DIRECTORY } from './support/proto';

const SET = join(PROTO_DIRECTORY, 'fakecloud.binpb');
const GET = '/yandex.cloud.operation.OperationService/Get';
const EMPTY: AnyJson = { '@type': 'google.protobuf.Empty' };
const T0 = Date.parse('2026-03-01T12:00:00Z');
const registry = loadDescriptors([SET]);

let now: number;
let cloud: FakeCloud;
let client: OperationsClient;
let raw: Client;

beforeEach(async () => {
  now = T0;
  cloud = await FakeCloud.start({ now: () => now });
  client = OperationsClient.connect({ endpoint: cloud.address, plaintext: true, descriptors: [SET] });
  raw = new Client(cloud.address, credentials.createInsecure());
});

afterEach(() => cloud.close().then(() => [client.close(), raw.close()]));

type Headers = Record<string, string>;

function call(path: string, request: Uint8Array, sent: Headers = {}): Promise<{ body: Buffer; headers: Metadata }> {
  const same = (bytes: Buffer): Buffer => bytes;
  const metadata = Metadata.fromHttp2Headers(sent);
  return new Promise((resolve, reject) => {
    let headers = new Metadata();
    const sending = raw.makeUnaryRequest(path, same, same, Buffer.from(request), metadata, (err, body) =>
      body ? resolve({ body, headers }) : reject(err ?? new Error('no reply')),
    );
    sending.on('metadata', (received: Metadata) => (headers = received));
  });
}

/** Calls a method that starts an operation; resolves to the operation ID. */
async function start({ path }: { path: string }, request: object, headers?: Headers): Promise<string> {
  const found = findOperationMethod(registry, path, yandexApi.starts);
  if (typeof found === 'string') throw new Error(found);
  const { input } = found.method;
  const body = toBinary(input, fromJsonString(input, JSON.stringify(request), { registry }));
  return decodeOperation((await call(path, body, headers)).body).id;
}

const stateOf = (operation: OperationSnapshot): string =>
  'error' in operation ? `${operation.state} ${operation.error.code}` : operation.state;
const state = async (id: string): Promise<string> => stateOf(await client.get(id));
const port = (): number => Number(cloud.address.split(':')[1]);

test('an operation has the fields of its script, and is done after the scripted time', async () => {
  const metadata = { '@type': 'type.googleapis.com/fakecloud.v1.DeleteClusterMetadata', clusterId: 'c1' };
  const response = { '@type': 'fakecloud.v1.NodeGroup', name: 'n', size: '9007199254740993' };
  const id = cloud.operation({ after: '10 min', description: 'Grow', metadata, response });
  now += 599_999;
  const createdAt = '2026-03-01T12:00:00Z';
  const common = { cloud: 'default', id, description: 'Grow', createdBy: 'fakecloud', createdAt, metadata };
  expect(await client.get(id)).toEqual({ ...common, state: 'running', modifiedAt: createdAt });
  now += 1;
  const sent = { ...response, '@type': 'type.googleapis.com/fakecloud.v1.NodeGroup', id: '', clusterId: '' };
  const end = { state: 'succeeded', modifiedAt: '2026-03-01T12:10:00Z', response: sent };
  expect(await client.get(id)).toEqual({ ...common, ...end });
});

const early = { at: '1 s', metadata: { '@type': 'fakecloud.v1.CreateClusterMetadata', step: 'a' } } as const;
const late = { at: 2000, metadata: { '@type': 'fakecloud.v1.CreateClusterMetadata', step: 'b' } };
test.each<[OperationScript, string]>([
  [{ response: EMPTY }, '0 succeeded, 0 succeeded'],
  [{ after: '2 s', stages: [late, early], response: EMPTY }, '0 running, 1 running a, 2 succeeded b'],
  [{ after: '2 s', rollback: '1 s', error: { code: 8 } }, '0 running, 1 rollingBack 8, 2 failed 8'],
])('an operation with the script %j is, second by second, %s', async (script, expected) => {
  const id = cloud.operation(script);
  const seen: string[] = [];
  for (; seen.length < expected.split(', ').length; now += 1000) {
    const { metadata, ...rest } = await client.get(id);
    seen.push([rest.modifiedAt?.slice(-2, -1), stateOf(rest), ...(metadata ? [metadata.step] : [])].join(' '));
  }
  expect(seen.join(', ')).toBe(expected);
});

test('an operation can carry values of unknown types and of well-known types', async () => {
  const unknown = { '@type': 'type.googleapis.com/unknown.Type', base64: 'CgJpZA==' };
  const struct = { '@type': 'type.googleapis.com/google.protobuf.Struct', value: { a: [1, null] } };
  const id = cloud.operation({ metadata: struct, response: unknown });
  expect(await client.get(id)).toMatchObject({ metadata: struct, response: unknown });
});

test('Get asks for a poll interval in a response header', async () => {
  const id = cloud.operation({ after: '1 h', pollInterval: 7, response: EMPTY });
  const { headers } = await call(GET, Buffer.from(`\n${String.fromCharCode(id.length)}${id}`));
  expect(headers.get('x-operation-poll-interval')).toEqual(['7']);
});

test('operations follow a given clock, which may be asynchronous', async () => {
  await cloud.close();
  cloud = await FakeCloud.start({ port: port(), now: () => Promise.resolve(now) });
  const id = cloud.operation({ after: 1000, response: EMPTY });
  now += 999;
  expect(await client.get(id)).toMatchObject({ state: 'running', createdAt: '2026-03-01T12:00:00Z' });
  now += 1;
  expect(await state(id)).toBe('succeeded');
});

test('operation IDs have the form of Yandex Cloud, and differ for operations with the same script', () => {
  const ids = Array.from({ length: 300 }, () => cloud.operation({ response: EMPTY }));
  expect(new Set(ids).size).toBe(300);
  for (const id of ids) expect(id).toMatch(/^fc1[a-v0-9]{17}$/);
});

test('an operation ID that no FakeCloud has issued is not found', async () => {
  const id = cloud.operation({ after: 1000, response: EMPTY });
  for (const wrong of ['fcmq0j5033e516c56ctq', 'x', 'naïve 🙂', id.toUpperCase(), `${id} `]) {
    await expect(client.get(wrong)).rejects.toMatchObject({ codeName: 'NOT_FOUND' });
  }
  await expect(client.cancel('x')).rejects.toMatchObject({ codeName: 'NOT_FOUND' });
});

test('a method computes its reply from the request, in the types that its descriptor declares', async () => {
  const requests: unknown[] = [];
  cloud.on(NodeGroupService.create).reply((request) => {
    requests.push(request);
    return { metadata: { nodeGroupId: 'n1' }, response: { id: 'n1', name: '', clusterId: '', size: '1' } };
  });
  const id = await start(NodeGroupService.create, { name: 'a', size: '9007199254740993' });
  expect(requests).toEqual([{ name: 'a', clusterId: '', size: '9007199254740993' }]);
  const metadata = { '@type': 'type.googleapis.com/fakecloud.v1.CreateNodeGroupMetadata', nodeGroupId: 'n1' };
  const response = { '@type': 'type.googleapis.com/fakecloud.v1.NodeGroup', size: '1' };
  expect(await client.get(id)).toMatchObject({ metadata, response });
});

test('a start repeated with the same idempotency-key returns the same operation in its current state', async () => {
  const first = await start(NetworkService.create, {}, { 'idempotency-key': 'k' });
  now += 500;
  expect(await start(NetworkService.create, {}, { 'idempotency-key': 'k' })).toBe(first);
  expect(await start(NetworkService.create, {}, { 'idempotency-key': 'l' })).not.toBe(first);
  expect(await state(first)).toBe('succeeded');
});

test('a start can be refused with error details in the trailers', async () => {
  const refuse = { code: 8, message: 'full', details: [{ '@type': 'google.rpc.ErrorInfo', reason: 'LIMIT' }] };
  cloud.on('fakecloud.v1.NetworkService/Create').reply(() => ({ refuse }));
  const err = await start(NetworkService.create, {}).catch((reason: ServiceError) => reason);
  expect(err).toMatchObject({ code: 8, details: 'full' });
  expect(typeof err === 'object' && String(err.metadata.get('grpc-status-details-bin')[0])).toContain('LIMIT');
});

test('a method without a reply is UNIMPLEMENTED', async () => {
  await expect(call('/a.B/C', Buffer.alloc(0))).rejects.toMatchObject({ code: 12 });
  expect(() => cloud.on('a.B/C').reply(() => ({ response: EMPTY }))).toThrow(/no service a\.B .*descriptors/);
});

test('a method with an invalid reply fails with a code that is not retried, and says why', async () => {
  cloud.on<unknown, object>(NetworkService.create.path).reply(() => ({ response: { nmae: 'x' } }));
  const message = /INVALID_ARGUMENT: .*: cannot write .* as fakecloud.v1.Network: .*nmae/;
  await expect(start(NetworkService.create, {})).rejects.toThrow(message);
});

test('every method of the resource API succeeds within 2 s unless a test sets its reply', async () => {
  const ids = [await start(ClusterService.create, { name: 'a' })];
  const others = [ClusterService.update, ClusterService.delete, NodeGroupService.create, NodeGroupService.delete];
  for (const method of [...others, NetworkService.create, NetworkService.delete]) ids.push(await start(method, {}));
  now += 1500;
  expect(await client.get(ids[0] ?? '')).toMatchObject({ metadata: { progressPercentage: 80 } });
  now += 500;
  for (const id of ids) expect(await state(id)).toBe('succeeded');
});

const RETRY_INFO = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1.500s' };
test.each<[FaultEffect, object, string]>([
  [{ code: 14, message: 'away' }, { codeName: 'UNAVAILABLE', rawMessage: 'away' }, 'running'],
  [{ code: 8, retryAfter: '1500 ms' }, { codeName: 'RESOURCE_EXHAUSTED', details: [RETRY_INFO] }, 'running'],
  [{ body: 'CgFB' }, { rawMessage: 'the reply is about another operation, "A"' }, 'failed 1'],
  [{ lostReply: true }, { codeName: 'UNAVAILABLE' }, 'failed 1'],
])('Cancel with the fault %j fails with %j and leaves the operation %s', async (effect, failure, left) => {
  const id = cloud.operation({ after: 1000, response: EMPTY, faults: [{ on: 'Cancel', calls: 1, ...effect }] });
  await expect(client.cancel(id)).rejects.toMatchObject(failure);
  expect(await state(id)).toBe(left);
});

test('faults apply to the first calls of their kind, in order', async () => {
  const onGet: Fault = { on: 'Get', calls: 2, code: 14 };
  const faults: Fault[] = [{ on: 'Cancel', calls: 1, code: 7 }, onGet, { calls: 2, code: 13 }];
  const id = cloud.operation({ after: 1000, response: EMPTY, faults });
  for (const code of [14, 14, 13]) await expect(client.get(id)).rejects.toMatchObject({ code });
  for (const code of [7, 13]) await expect(client.cancel(id)).rejects.toMatchObject({ code });
  expect(await state(id)).toBe('running');
});

test('a delayed reply comes at the latest when the FakeCloud closes', async () => {
  const delayed = (hang: number) => state(cloud.operation({ response: EMPTY, faults: [{ calls: 1, hang }] }));
  const hanging = delayed(3_600_000);
  expect(await delayed(1)).toBe('succeeded');
  await cloud.close();
  expect(await hanging).toBe('succeeded');
});

test('an interceptor can make any call fail', async () => {
  const seen: unknown[] = [];
  cloud.intercept(({ method, operationId, count }) => {
    seen.push([method.split('/')[2], operationId, count].join(' '));
    return count > 1 ? undefined : operationId === undefined ? { lostReply: true } : { code: 14 };
  });
  await expect(start(NetworkService.create, {}, { 'idempotency-key': 'k' })).rejects.toMatchObject({ code: 14 });
  const id = await start(NetworkService.create, {}, { 'idempotency-key': 'k' });
  await expect(client.get(id)).rejects.toMatchObject({ code: 14 });
  expect(await state(id)).toBe('running');
  expect(seen).toEqual(['Create  1', 'Create  2', `Get ${id} 1`, `Get ${id} 2`]);
});

test('recorded calls contain the names of their headers, but no values', async () => {
  const id = await start(NetworkService.create, {}, { 'idempotency-key': 'k', authorization: 'Bearer secret' });
  now += 5;
  await client.cancel(id);
  const headers = ['authorization', 'idempotency-key', 'user-agent'];
  const cancel = { method: '/yandex.cloud.operation.OperationService/Cancel', at: T0 + 5, operationId: id };
  expect(cloud.calls).toMatchObject([{ method: NetworkService.create.path, at: T0, headers }, cancel]);
  expect(JSON.stringify(cloud.calls)).not.toContain('secret');
});

test('a port that is already in use is reported', async () => {
  const log = jest.spyOn(console, 'error').mockReturnValue(); // grpc-js logs an error as well.
  await expect(FakeCloud.start({ port: port() })).rejects.toThrow(/cannot listen on 127.*leave `port` out/);
  log.mockRestore();
});

test.each<[string, unknown, RegExp]>([
  ['no end', {}, /exactly one of response and error/],
  ['a misspelt key', { afer: 1, response: EMPTY }, /script\.afer is 1: unknown option; known are after/],
  ['no type', { response: { id: 'x' } }, /script\.response\['@type'\] is undefined: give the name/],
  ['a late stage', { stages: [{ at: 1, metadata: EMPTY }], response: EMPTY }, /stages\[0\]\.at is 1: .*`after`/],
  ['a rollback without an error', { after: 1, rollback: 1, response: EMPTY }, /only an error is rolled back/],
  ['a fault of two kinds', { faults: [{ calls: 1, hang: 1, body: '' }], response: EMPTY }, /exactly one of code, body/],
  [
    'a long rollback',
    { onCancel: { cancelsAfter: 1, rollback: 2 }, response: EMPTY },
    /onCancel\.rollback is 2: .*1 ms/,
  ],
  ['an unknown way to cancel', { onCancel: 'never', response: EMPTY }, /onCancel is "never": give "cancels"/],
])('a script with %s is refused', (_, script, message) => {
  expect(() => checkScript(script)).toThrow(message);
});

test('a script that cannot be played is refused when its operation begins', () => {
  const begin = (script: Script) => () => cloud.operation(script);
  expect(begin({ response: { '@type': 'a.B' } })).toThrow(/a\.B is not in the type registry.*descriptor set/);
  expect(begin({ refuse: { code: 8 } })).toThrow(/only a method can refuse/);
});
