import { readFileSync } from 'node:fs';
import { operationFailure } from 'temporal-lro';
import { ClusterService, NetworkService } from 'temporal-lro/testing';
import type { awaitResource } from 'temporal-lro/workflow-definitions';
import type {
  createOrVerify,
  createReady,
  deleteNetwork,
  healthy,
  listNetworks,
  updated,
} from '../examples/resources/workflows';
import { startEnvironment, type TestEnvironment } from './support/environment';

let environment: TestEnvironment;
beforeAll(async () => {
  const workflowsPath = require.resolve('../examples/resources/workflows');
  environment = await startEnvironment({ worker: { workflowsPath } });
});
afterAll(() => environment.stop());

const calls = (method: string): number => environment.cloud.calls.filter((call) => call.method === method).length;

test('the examples in docs/resources.md are those that are compiled and run', () => {
  const source = readFileSync('examples/resources/workflows.ts', 'utf8');
  const blocks = [...readFileSync('docs/resources.md', 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)];
  expect(blocks).toHaveLength(6);
  for (const [, code = ''] of blocks) expect(source).toContain(code);
});

test('a cluster is created, becomes healthy after its operation is done, and its endpoint is read', async () => {
  const { client, workflow } = environment;
  const endpoint = await client.workflow.execute<typeof createReady>('createReady', { ...workflow(), args: ['ready'] });
  expect(endpoint).not.toBe('');
  expect(calls(ClusterService.get.path)).toBeGreaterThan(1);
});

test('a deleted network is gone', async () => {
  const { client, cloud, workflow } = environment;
  cloud
    .on(NetworkService.get)
    .reply(() => [
      { response: { id: 'net-1', name: 'net', folderId: 'folder' } },
      { after: '1 s', error: { code: 5, message: 'Network net-1 not found' } },
    ]);
  await client.workflow.execute<typeof deleteNetwork>('deleteNetwork', { ...workflow(), args: ['net-1'] });
  expect(calls(NetworkService.get.path)).toBeGreaterThan(1);
});

test('a change by somebody else ends the wait with the changed resource', async () => {
  const { client, cloud, workflow } = environment;
  const cluster = { id: 'cl-1', name: 'one', networkId: 'net', folderId: 'folder', endpoint: 'https://cl-1' };
  const state = { ...cluster, status: 'RUNNING', health: 'ALIVE' } as const;
  cloud
    .on(ClusterService.get)
    .reply(() => [
      { response: { ...state, version: '1.31' } },
      { after: '1 s', response: { ...state, version: '1.33' } },
    ]);
  const handle = await client.workflow.start<typeof updated>('updated', {
    ...workflow(),
    args: ['cl-1', ['1.32', '1.33']],
  });
  expect(await handle.result()).toMatchObject({ id: 'cl-1', version: '1.33' });
  const child = await client.workflow.execute<typeof healthy>('healthy', { ...workflow(), args: ['cl-1'] });
  expect(child).toMatchObject({ health: 'ALIVE' });
});

test('all pages of a list are read', async () => {
  const { client, cloud, workflow } = environment;
  const network = (id: string) => ({ id, name: id, folderId: 'folder' });
  cloud.on(NetworkService.list).reply(({ pageToken }) => ({
    response:
      pageToken === 'second'
        ? { networks: [network('net-3')], nextPageToken: '' }
        : { networks: [network('net-1'), network('net-2')], nextPageToken: 'second' },
  }));
  const found = await client.workflow.execute<typeof listNetworks>('listNetworks', { ...workflow(), args: ['folder'] });
  expect(found.map(({ id }) => id)).toEqual(['net-1', 'net-2', 'net-3']);
});

test.each(['RUNNING', 'PROVISIONING'] as const)(
  'after a timeout, a cluster that is %s is told from its own state',
  async (status) => {
    const { client, cloud, workflow } = environment;
    const cluster = {
      id: 'cl-2',
      name: 'two',
      networkId: 'net',
      folderId: 'folder',
      version: '',
      endpoint: '',
      status,
    };
    cloud.on(ClusterService.create).reply(() => ({
      after: '1 h',
      metadata: { clusterId: 'cl-2', progressPercentage: 0, step: '' },
      response: { ...cluster, health: 'ALIVE' },
    }));
    cloud.on(ClusterService.get).reply(() => ({ response: { ...cluster, health: 'ALIVE' } }));
    const execution = client.workflow.execute<typeof createOrVerify>('createOrVerify', {
      ...workflow(),
      args: ['two', '2 s'],
    });
    if (status === 'RUNNING') return expect(await execution).toMatchObject({ id: 'cl-2', status });
    const err: unknown = await execution.catch((reason: unknown) => reason);
    expect(err).toHaveProperty('cause.type', 'ClusterNotReady');
    expect(operationFailure(err)).toBeUndefined();
  },
);

test('a match with a field that the reply does not have fails before the first poll, and says which fields there are', async () => {
  const { client, workflow } = environment;
  const before = calls(ClusterService.get.path);
  const execution = client.workflow.execute<typeof awaitResource>('awaitResource', {
    ...workflow(),
    args: [
      { cloud: 'yandex', method: ClusterService.get.path, request: { clusterId: 'cl-1' }, match: { helth: 'ALIVE' } },
    ],
  });
  const err: unknown = await execution.catch((reason: unknown) => reason);
  expect(operationFailure(err)).toMatchObject({
    type: 'OperationConfigurationError',
    message: expect.stringMatching(
      /match\.helth is "ALIVE": this is not a field of fakecloud\.v1\.Cluster, which has .*health/,
    ) as unknown,
  });
  expect(calls(ClusterService.get.path)).toBe(before);
});
