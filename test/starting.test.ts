import { readFileSync } from 'node:fs';
import { operationFailure } from 'temporal-lro';
import { ClusterService, NodeGroupService } from 'temporal-lro/testing';
import type {
  adopt,
  createCluster,
  createNodeGroups,
  createOnce,
  createOrNothing,
} from '../examples/starting/workflows';
import { startEnvironment, type TestEnvironment } from './support/environment';

const CANCEL = '/yandex.cloud.operation.OperationService/Cancel';
const MACHINES = { code: 8, message: 'no machines are left' };

let environment: TestEnvironment;
beforeAll(async () => {
  const workflowsPath = require.resolve('../examples/starting/workflows');
  environment = await startEnvironment({ worker: { workflowsPath } });
});
afterAll(() => environment.stop());

const calls = (method: string): number => environment.cloud.calls.filter((call) => call.method === method).length;

test('the examples in docs/starting.md are those that are compiled and run', () => {
  const source = readFileSync('examples/starting/workflows.ts', 'utf8');
  const blocks = [...readFileSync('docs/starting.md', 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)];
  expect(blocks).toHaveLength(6);
  for (const [, code = ''] of blocks) expect(source).toContain(code);
});

test('a chain passes the resources that it creates to the next start', async () => {
  const { client, workflow } = environment;
  const cluster = await client.workflow.execute<typeof createCluster>('createCluster', {
    ...workflow(),
    args: ['chain'],
  });
  expect(cluster).toMatchObject({ id: 'cluster-chain', networkId: 'network-chain' });
});

test('when one of several concurrent starts fails, the others are cancelled', async () => {
  const { client, cloud, workflow } = environment;
  const run = (names: string[]) =>
    client.workflow.execute<typeof createNodeGroups>('createNodeGroups', {
      ...workflow(),
      args: ['cluster', names],
    });
  expect((await run(['a', 'b'])).map(({ id }) => id)).toEqual(['nodegroup-a', 'nodegroup-b']);
  cloud.on(NodeGroupService.create).reply(({ name = '', clusterId = '' }) => {
    const metadata = { nodeGroupId: name };
    if (name === 'bad') return { after: 300, metadata, error: MACHINES };
    return { after: '1 h', metadata, response: { id: name, name, clusterId, size: '3' } };
  });
  const before = calls(CANCEL);
  const err: unknown = await run(['c', 'bad', 'd']).catch((reason: unknown) => reason);
  expect(operationFailure(err)).toMatchObject({
    type: 'OperationFailed',
    ...MACHINES,
    message: expect.anything() as unknown,
  });
  expect(calls(CANCEL) - before).toBe(2);
});

test.each([
  ['what was made is deleted, the latest first', { after: 300, response: { '@type': 'google.protobuf.Empty' } }],
  ['one that cannot be deleted keeps nothing else', { refuse: { code: 5, message: 'Cluster not found' } }],
])('when the last step fails, %s', async (name, deletion) => {
  const { client, cloud, workflow } = environment;
  cloud.on(ClusterService.delete.path).reply(() => deletion);
  cloud.on(ClusterService.create).reply(({ name = '' }) => ({
    after: 300,
    metadata: { clusterId: `cluster-${name}`, progressPercentage: 0, step: '' },
    error: MACHINES,
  }));
  const before = cloud.calls.length;
  const execution = client.workflow.execute<typeof createOrNothing>('createOrNothing', {
    ...workflow(),
    args: [name],
  });
  const err: unknown = await execution.catch((reason: unknown) => reason);
  expect(operationFailure(err)).toMatchObject({ type: 'OperationFailed', codeName: 'RESOURCE_EXHAUSTED' });
  const methods = cloud.calls.slice(before).map(({ method }) => method);
  expect(methods.filter((method) => method.startsWith('/fakecloud'))).toEqual([
    '/fakecloud.v1.NetworkService/Create',
    '/fakecloud.v1.ClusterService/Create',
    '/fakecloud.v1.ClusterService/Delete',
    '/fakecloud.v1.NetworkService/Delete',
  ]);
});

test('an existing operation can be adopted by its ID or by its key', async () => {
  const { client, cloud, workflow } = environment;
  let started = 0;
  cloud.on(ClusterService.create).reply(({ name = '' }) => {
    started++;
    return { after: 300, response: { id: name, name, networkId: '', status: 'RUNNING', version: '' } };
  });
  const response = { '@type': 'fakecloud.v1.Cluster', id: 'elsewhere' };
  const adopted = await client.workflow.execute<typeof adopt>('adopt', {
    ...workflow(),
    args: [cloud.operation({ after: 500, response })],
  });
  expect(adopted.id).toBe('elsewhere');
  const once = () =>
    client.workflow.execute<typeof createOnce>('createOnce', {
      ...workflow(),
      args: ['once', 'c0f3a5de-0d0b-4f6a-9a53-5f0f7a3f6d21'],
    });
  expect(await Promise.all([once(), once()])).toMatchObject([{ id: 'once' }, { id: 'once' }]);
  expect(started).toBe(1);
});
