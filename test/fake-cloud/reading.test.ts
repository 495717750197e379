import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary, fromJsonString, toBinary, toJson } from '@bufbuild/protobuf';
import { Client, credentials } from '@grpc/grpc-js';
import { OperationsClient } from 'temporal-lro';
import { ClusterService, FakeCloud, NetworkService } from 'temporal-lro/testing';
import { loadDescriptors } from '../../src/descriptors/load';
import { findMethod } from '../../src/descriptors/operation-method';
import { PROTO_DIRECTORY } from '../support/proto';

const SET = join(PROTO_DIRECTORY, 'fakecloud.binpb');
const registry = loadDescriptors([SET]);
const NOT_FOUND = 5;

let now: number;
let cloud: FakeCloud;
let client: OperationsClient;
let raw: Client;
beforeEach(async () => {
  now = 1_000_000;
  cloud = await FakeCloud.start({ now: () => now });
  client = OperationsClient.connect({ endpoint: cloud.address, plaintext: true, descriptors: [SET] });
  raw = new Client(cloud.address, credentials.createInsecure());
});
afterEach(() => cloud.close().then(() => [client.close(), raw.close()]));

const start = async ({ path }: { path: string }, request: object): Promise<string> =>
  (await client.start(path, { ...request })).id;

/** Calls a unary method; resolves to the reply, whose JSON omits empty fields. */
function call({ path }: { path: string }, request: object): Promise<unknown> {
  const method = findMethod(registry, path);
  if (typeof method === 'string') throw new Error(method);
  const { input, output } = method;
  const body = Buffer.from(toBinary(input, fromJsonString(input, JSON.stringify(request))));
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve, reject) => {
    raw.makeUnaryRequest(path, same, same, body, (err, reply) =>
      reply ? resolve(toJson(output, fromBinary(output, reply))) : reject(err ?? new Error('no reply')),
    );
  });
}
const network = (networkId: string): Promise<unknown> => call(NetworkService.get, { networkId });
const cluster = (clusterId: string): Promise<unknown> => call(ClusterService.get, { clusterId });

test('Get returns a resource as soon as the operation that creates it has succeeded, and until it is deleted', async () => {
  const missing = { code: NOT_FOUND, details: 'Network network-a not found' };
  await start(NetworkService.create, { name: 'a', folderId: 'f' });
  now += 499;
  await expect(network('network-a')).rejects.toMatchObject(missing);
  now += 1;
  expect(await network('network-a')).toEqual({ id: 'network-a', name: 'a', folderId: 'f' });
  await expect(network('network-b')).rejects.toMatchObject({ details: 'Network network-b not found' });
  cloud.on(NetworkService.delete).reply(() => ({ after: 1000, response: {} }));
  await start(NetworkService.delete, { networkId: 'network-a' });
  now += 999;
  expect(await network('network-a')).toMatchObject({ id: 'network-a' });
  now += 1;
  await expect(network('network-a')).rejects.toMatchObject(missing);
});

test('an operation that fails or is cancelled creates, changes and deletes nothing', async () => {
  await start(ClusterService.create, { name: 'a', version: '1' });
  now += 5000;
  const before = await cluster('cluster-a');
  cloud.on(ClusterService.create).reply(({ name = '' }) => ({ error: { code: 8, message: name } }));
  await start(ClusterService.create, { name: 'b' });
  await client.cancel(await start(ClusterService.update, { clusterId: 'cluster-a', version: '2' }));
  await client.cancel(await start(ClusterService.delete, { clusterId: 'cluster-a' }));
  now += 5000;
  expect(await cluster('cluster-a')).toEqual(before);
  await expect(cluster('cluster-b')).rejects.toMatchObject({ code: NOT_FOUND });
});

test('the response of an update replaces the resource, and its script can use what the resource was', async () => {
  await start(ClusterService.create, { name: 'a', networkId: 'n', version: '1' });
  now += 5000;
  await start(ClusterService.update, { clusterId: 'cluster-a', version: '2' });
  now += 1000;
  expect(await cluster('cluster-a')).toMatchObject({ version: '2', networkId: 'n', health: 'ALIVE' });
  cloud.on(ClusterService.update).reply(({ clusterId = '' }, found) => ({
    response: { id: clusterId, name: `${found?.name} of ${found?.networkId}` },
  }));
  await start(ClusterService.update, { clusterId: 'cluster-a' });
  expect(await cluster('cluster-a')).toEqual({ id: 'cluster-a', name: 'a of n' });
});

test('of two updates, the one whose operation ends last is in force', async () => {
  await start(ClusterService.create, { name: 'a' });
  now += 2000;
  cloud.on(ClusterService.update).reply(({ clusterId = '', version = '' }) => ({
    after: Number(version) * 1000,
    response: { id: clusterId, version },
  }));
  for (const version of ['3', '1']) await start(ClusterService.update, { clusterId: 'cluster-a', version });
  const versions: unknown[] = [];
  for (; versions.length < 4; now += 1000) versions.push(await cluster('cluster-a'));
  expect(versions).toMatchObject([{ name: 'a' }, { version: '1' }, { version: '1' }, { version: '3' }]);
});

test('a cluster becomes alive and gets its endpoint some seconds after its operation is done', async () => {
  await start(ClusterService.create, { name: 'a' });
  now += 4999;
  expect(await cluster('cluster-a')).toEqual({ id: 'cluster-a', name: 'a', status: 'RUNNING' });
  now += 1;
  const alive = { health: 'ALIVE', endpoint: 'https://cluster-a.fakecloud.example' };
  expect(await cluster('cluster-a')).toMatchObject(alive);
  expect(await call(ClusterService.list, {})).toMatchObject({ clusters: [alive] });
});

test('List returns the resources of a folder page by page', async () => {
  for (const name of ['a', 'b', 'c', 'd']) await start(NetworkService.create, { name, folderId: 'f' });
  await start(NetworkService.create, { name: 'e', folderId: 'g' });
  now += 500;
  await start(NetworkService.delete, { networkId: 'network-c' });
  const pages: unknown[] = [];
  for (let pageToken: string | undefined = ''; pageToken !== undefined;) {
    const reply = (await call(NetworkService.list, { folderId: 'f', pageSize: 2, pageToken })) as {
      networks: { name: string }[];
      nextPageToken?: string;
    };
    pages.push(reply.networks.map(({ name }) => name));
    pageToken = reply.nextPageToken;
  }
  expect(pages).toEqual([['a', 'b'], ['d']]);
  expect(await call(NetworkService.list, { folderId: 'h' })).toEqual({});
  await expect(call(NetworkService.list, { pageToken: 'x' })).rejects.toMatchObject({
    code: 3,
    details: 'page_token is "x": give the next_page_token of the previous page',
  });
});

test('a reading method can reply differently at every call, with an error or with the resource as it is', async () => {
  await start(NetworkService.create, { name: 'a' });
  now += 500;
  const replies = [
    { error: { code: 14, message: 'away' } },
    { response: { id: 'elsewhere', name: 'b' } },
    { error: { code: NOT_FOUND, message: 'gone', details: [{ '@type': 'google.rpc.ErrorInfo', reason: 'GONE' }] } },
  ];
  const seen: unknown[] = [];
  cloud.on(NetworkService.get).reply((request, found) => {
    seen.push([request.networkId, found?.name]);
    return replies.shift();
  });
  await expect(network('network-a')).rejects.toMatchObject({ code: 14, details: 'away' });
  expect(await network('network-x')).toEqual({ id: 'elsewhere', name: 'b' });
  await expect(network('network-x')).rejects.toMatchObject({ code: NOT_FOUND, details: 'gone' });
  expect(await network('network-a')).toMatchObject({ id: 'network-a', name: 'a' });
  expect(seen).toEqual([
    ['network-a', 'a'],
    ['network-x', undefined],
    ['network-x', undefined],
    ['network-a', 'a'],
  ]);
});

test('the stages of a reply begin when the resource is created, or else with the first call of the same request', async () => {
  cloud
    .on(ClusterService.get)
    .reply(({ clusterId = '' }) => [
      { error: { code: NOT_FOUND } },
      { after: '10 s', response: { id: clusterId, status: 'PROVISIONING' } },
      { after: '20 s', response: { id: clusterId, status: 'RUNNING' } },
    ]);
  const status = async (id: string): Promise<unknown> =>
    cluster(id).then(
      (reply) => (reply as { status: string }).status,
      (err: { code: number }) => err.code,
    );
  await start(ClusterService.create, { name: 'a' });
  now += 2000;
  expect(await status('b')).toBe(NOT_FOUND);
  now += 9_999;
  expect([await status('cluster-a'), await status('b'), await status('c')]).toEqual([NOT_FOUND, NOT_FOUND, NOT_FOUND]);
  now += 1;
  expect([await status('cluster-a'), await status('b'), await status('c')]).toEqual([
    'PROVISIONING',
    'PROVISIONING',
    NOT_FOUND,
  ]);
  now += 10_000;
  expect([await status('cluster-a'), await status('b'), await status('c')]).toEqual([
    'RUNNING',
    'RUNNING',
    'PROVISIONING',
  ]);
});

test('interceptors and recorded calls include reading methods', async () => {
  cloud.intercept(({ method, count }) =>
    method === NetworkService.get.path && count === 1 ? { code: 14, message: 'away' } : undefined,
  );
  await expect(network('x')).rejects.toMatchObject({ code: 14 });
  await expect(network('x')).rejects.toMatchObject({ code: NOT_FOUND });
  expect(cloud.calls.map(({ method }) => method)).toEqual([NetworkService.get.path, NetworkService.get.path]);
});

test('a FakeCloud that is started on the file of another one knows its resources', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fake-cloud-'));
  const file = join(directory, 'operations.jsonl');
  await cloud.close();
  const options = { now: () => now, file, port: Number(cloud.address.split(':')[1]) };
  cloud = await FakeCloud.start(options);
  for (const name of ['a', 'b']) await start(NetworkService.create, { name });
  now += 500;
  await start(NetworkService.delete, { networkId: 'network-b' });
  await cloud.close();
  cloud = await FakeCloud.start(options);
  expect(await call(NetworkService.list, {})).toEqual({ networks: [{ id: 'network-a', name: 'a' }] });
  await rm(directory, { recursive: true });
});

test.each<[string, unknown, RegExp]>([
  ['neither a response nor an error', {}, /reply is "\{\}": give exactly one of response and error/],
  ['no stage', [], /reply is "\[\]": give at least one stage/],
  ['a late first stage', [{ after: 1, response: {} }], /reply\[0\]\.after is 1: the first stage begins at once/],
  [
    'stages out of order',
    [{ response: {} }, { after: 2, response: {} }, { after: '1 ms', response: {} }],
    /reply\[2\]\.after is 1: the stage before begins after 2 ms: sort them/,
  ],
  ['a misspelt key', { response: {}, afer: 1 }, /reply\.afer is 1: unknown option; known are response, error/],
  ['a misspelt field', { response: { nmae: 'x' } }, /nmae/],
])('a reply with %s fails the call with a code that is not retried, and says why', async (_, reply, details) => {
  cloud.on<object, object>({ path: NetworkService.get.path }).reply(() => reply as { response: object });
  await expect(network('x')).rejects.toMatchObject({ code: 3, details: expect.stringMatching(details) as unknown });
});

test('a later change of a resource needs a response', () => {
  const afterwards = [{ after: 1, response: { '@type': 'a.B' } }];
  expect(() => cloud.operation({ error: { code: 8 }, afterwards })).toThrow(
    /script\.afterwards is .*: an operation that/,
  );
  const response = { '@type': 'google.protobuf.Empty' };
  expect(() => cloud.operation({ response, afterwards })).toThrow(/a\.B is not in the type registry/);
});
