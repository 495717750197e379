import { operationFailure } from 'temporal-lro';
import { OperationsClient } from 'temporal-lro';
import { CLOUD, startEnvironment, type TestEnvironment } from './support/environment';
import { createNetworkAndCluster, execute, executeOperation, startAndAwait } from './start/workflows';

const CREATE = '/fakecloud.v1.ClusterService/Create';
const poll = { initialInterval: '100 ms' } as const;

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await startEnvironment({ worker: { workflowsPath: require.resolve('./start/workflows') } });
});
afterAll(() => environment.stop());

/** How often a method was called. */
const callsOf = (method: string): number => environment.cloud.calls.filter((call) => call.method === method).length;

/** The failure that a workflow ended with. */
async function failureOf(result: Promise<unknown>): Promise<ReturnType<typeof operationFailure>> {
  return operationFailure(await result.catch((err: unknown) => err));
}

test('a chain of typed methods passes on what it has made', async () => {
  const cluster = await environment.client.workflow.execute(createNetworkAndCluster, {
    ...environment.workflow(),
    args: ['chain'],
  });
  expect(cluster).toMatchObject({ id: 'cluster-chain', networkId: 'network-chain', status: 'RUNNING' });
});

test('metadata is there before the wait, and many awaits of the result share one wait', async () => {
  const workflow = environment.workflow();
  const { client } = environment;
  const result = await client.workflow.execute(startAndAwait, { ...workflow, args: ['shared'] });
  expect(result).toEqual({ clusterId: 'cluster-shared', names: ['shared', 'shared', 'shared'] });
  const { events } = await client.workflow.getHandle(workflow.workflowId).fetchHistory();
  const scheduled = events?.flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? []);
  expect(scheduled).toEqual(['operation.start', 'operation.get']);
});

test('the workflow type starts by a path, with or without a slash, and returns the response', async () => {
  const execution = environment.client.workflow.execute(executeOperation, {
    ...environment.workflow(),
    args: [{ cloud: CLOUD, method: CREATE.slice(1), request: { name: 'by-path' }, poll }],
  });
  expect(await execution).toMatchObject({ '@type': 'type.googleapis.com/fakecloud.v1.Cluster', name: 'by-path' });
});

test('a reply that is lost is asked for again with the same key, which starts nothing twice', async () => {
  const before = callsOf(CREATE);
  const started: unknown[] = [];
  environment.cloud.intercept(({ method, count }) =>
    method === CREATE && count === before + 1 ? { lostReply: true } : undefined,
  );
  environment.cloud.on({ path: CREATE }).reply((request) => {
    started.push(request.name);
    return { response: { '@type': 'fakecloud.v1.Cluster', id: 'c1', name: 'lost' } };
  });
  const result = await environment.client.workflow.execute(execute, {
    ...environment.workflow(),
    args: [CREATE, { name: 'lost' }],
  });
  expect(result).toMatchObject({ id: 'c1' });
  expect(callsOf(CREATE)).toBe(before + 2);
  expect(started).toEqual(['lost']);
});

test('a plain Node program starts an operation', async () => {
  const { cloud } = environment;
  const client = OperationsClient.connect({
    endpoint: cloud.address,
    plaintext: true,
    descriptors: ['dist/proto/fakecloud.binpb'],
  });
  const options = { idempotencyKey: '5b9e5b0a-90b4-4a3c-8d4f-5d6e3c1a8f11' };
  const first = await client.start('/fakecloud.v1.NetworkService/Create', { name: 'n' }, options);
  const second = await client.start('/fakecloud.v1.NetworkService/Create', { name: 'n' }, options);
  client.close();
  expect(first.state).toBe('running');
  expect(second.id).toBe(first.id);
});

test('a misspelt field is named, with what the message has, before anything is sent', async () => {
  const before = callsOf(CREATE);
  const failure = await failureOf(
    environment.client.workflow.execute(execute, { ...environment.workflow(), args: [CREATE, { nmae: 'secret' }] }),
  );
  expect(failure).toMatchObject({ type: 'OperationConfigurationError', cloud: CLOUD });
  expect(failure?.message).toMatch(
    /request\.nmae is no field of fakecloud\.v1\.CreateClusterRequest, which has folderId, name/,
  );
  expect(failure?.message).not.toContain('secret');
  expect(callsOf(CREATE)).toBe(before);
});
