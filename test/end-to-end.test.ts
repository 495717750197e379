import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fromJson, toBinary } from '@bufbuild/protobuf';
import { operationFailure, operationQuery, operationWorkflowId, pollOperation } from 'temporal-lro';
import type { AnyJson } from 'temporal-lro/workflow';
import { FakeCloud } from 'temporal-lro/testing';
import { loadDescriptors } from '../src/descriptors/load';
import { awaitElsewhere, awaitOperation, wait } from './end-to-end/workflows';
import { CLOUD, pluginOf, runWorker, startEnvironment, type TestEnvironment } from './support/environment';
import { PROTO_DIRECTORY } from './support/proto';

const EMPTY = { '@type': 'type.googleapis.com/google.protobuf.Empty' };
const NETWORK = { '@type': 'type.googleapis.com/fakecloud.v1.Network', id: 'n1', name: 'prod', folderId: 'f1' };
const METADATA = { '@type': 'type.googleapis.com/fakecloud.v1.CreateNetworkMetadata', networkId: 'n1' };
const UNKNOWN = { '@type': 'type.googleapis.com/x.Unknown', base64: 'CgNhYmM=' };
const INFO = { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'LIMIT', domain: 'vpc', metadata: {} };
const poll = { initialInterval: '100 ms' } as const;
const workflowsPath = require.resolve('./end-to-end/workflows');
const registry = loadDescriptors([join(PROTO_DIRECTORY, 'fakecloud.binpb')]);

/** An operation in wire format that exceeds gRPC's default message limit. */
function largeOperation(id: string, large: 'metadata' | 'response'): string {
  const schema = registry.getMessage('yandex.cloud.operation.Operation');
  if (!schema) throw new Error('proto/ has no Operation');
  const operation = { id, done: true, metadata: METADATA, response: NETWORK };
  const json = { ...operation, [large]: { ...NETWORK, name: 'x'.repeat(5_000_000) } };
  return Buffer.from(toBinary(schema, fromJson(schema, json, { registry }))).toString('base64');
}

describe.each([
  ['a worker that caches workflows', {}],
  ['a worker that replays a workflow at its every task', { maxCachedWorkflows: 0 }],
])('with %s', (_, cache) => {
  let environment: TestEnvironment;
  beforeAll(async () => (environment = await startEnvironment({ worker: { workflowsPath, ...cache } })));
  afterAll(() => environment.stop());

  /** Waits inline and by the workflow type, expects both to end in the same way, and returns how. */
  async function endOf(operationId: string): Promise<unknown> {
    const { client, workflow } = environment;
    const ends = await Promise.allSettled<AnyJson>([
      client.workflow.execute(wait, { ...workflow(), args: [CLOUD, operationId, { poll }] }),
      client.workflow.execute(awaitOperation, { ...workflow(), args: [{ cloud: CLOUD, operationId, poll }] }),
    ]);
    const [inline, own] = ends.map((end) => (end.status === 'fulfilled' ? end.value : operationFailure(end.reason)));
    const untimed = { lastPolledAt: undefined };
    expect({ ...inline, ...untimed }).toEqual({ ...own, ...untimed });
    return own;
  }

  test('an inline wait does not touch the current details and the memo of its workflow', async () => {
    const { client, cloud, workflow } = environment;
    const id = cloud.operation({ after: '1 h', metadata: METADATA, response: NETWORK });
    const handle = await client.workflow.start(wait, { ...workflow(), args: [CLOUD, id, { poll }] });
    while (!cloud.calls.some(({ operationId }) => operationId === id)) await setTimeout(50);
    const seen = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
    expect(seen.currentDetails ?? '').toBe('');
    expect((await handle.describe()).memo).toEqual({});
    await handle.terminate();
  });

  test('a wait returns the response', async () => {
    expect(await endOf(environment.cloud.operation({ after: 300, metadata: METADATA, response: NETWORK }))).toEqual(
      NETWORK,
    );
  });

  test('a wait for an operation that returns nothing returns Empty', async () => {
    expect(await endOf(environment.cloud.operation({ after: 300, response: EMPTY }))).toEqual(EMPTY);
  });

  test('a wait returns the bytes of a response whose type nobody described', async () => {
    const id = environment.cloud.operation({ after: 300, metadata: UNKNOWN, response: UNKNOWN });
    expect(await endOf(id)).toEqual({ ...UNKNOWN, problem: 'no descriptor of x.Unknown' });
  });

  test('a wait fails as the operation does, with its code, message and details', async () => {
    const error = { code: 8, message: 'The limit on networks has been exceeded', details: [INFO] };
    const id = environment.cloud.operation({ after: 300, description: 'Create network', metadata: METADATA, error });
    expect(await endOf(id)).toMatchObject({
      type: 'OperationFailed',
      cloud: CLOUD,
      operationId: id,
      codeName: 'RESOURCE_EXHAUSTED',
      message: `yandex operation ${id} (Create network n1) failed: RESOURCE_EXHAUSTED: The limit on networks has been exceeded`,
      details: [INFO],
      operation: { state: 'failed', metadata: METADATA },
    });
  });

  test("a response over gRPC's default limit of 4 MiB fails the wait at its first poll, with an error that says so", async () => {
    const id = environment.cloud.operation({ response: EMPTY });
    environment.cloud.intercept(({ operationId }) =>
      operationId === id ? { body: largeOperation(id, 'response') } : undefined,
    );
    expect(await endOf(id)).toMatchObject({
      type: 'OperationUnreadable',
      message: expect.stringMatching(
        /its response is too large: 5\d{6} bytes of JSON, over the limit of 1500000/,
      ) as unknown,
      operation: { state: 'succeeded', metadata: METADATA, response: { '@type': NETWORK['@type'] } },
    });
    // At most one poll for each of the two: waits in the same worker share polls.
    expect(environment.cloud.calls.filter(({ operationId }) => operationId === id).length).toBeLessThan(3);
  });

  test("metadata over gRPC's default limit of 4 MiB are dropped, and the response is returned", async () => {
    const id = environment.cloud.operation({ response: EMPTY });
    environment.cloud.intercept(({ operationId }) =>
      operationId === id ? { body: largeOperation(id, 'metadata') } : undefined,
    );
    expect(await endOf(id)).toEqual(NETWORK);
  });

  test('a query and an update return the metadata of a running operation', async () => {
    const { client, cloud, workflow } = environment;
    const id = cloud.operation({ after: '1 h', metadata: METADATA, response: NETWORK });
    const running = { cloud: CLOUD, id, state: 'running', metadata: METADATA };
    for (const initialInterval of ['1 s', '10 s'] as const) {
      const args: Parameters<typeof awaitOperation> = [{ cloud: CLOUD, operationId: id, poll: { initialInterval } }];
      const handle = await client.workflow.start(awaitOperation, { ...workflow(), args });
      expect(await handle.executeUpdate(pollOperation)).toMatchObject(running);
      expect(await handle.query(operationQuery)).toMatchObject(running);
      await handle.terminate();
    }
  });

  test('a parent, its child and the activities can run in three different workers', async () => {
    const { client, cloud, connection, workflow } = environment;
    const queues = { parent: workflow().workflowId, activities: workflow().workflowId };
    const stops = [
      await runWorker({ connection, taskQueue: queues.parent, workflowsPath, ...cache }),
      await runWorker({ connection, taskQueue: queues.activities, plugins: [pluginOf(cloud, {}, 'elsewhere')] }),
    ];
    try {
      const inChild = cloud.operation({ after: 300, response: NETWORK });
      const inActivity = cloud.operation({ after: 300, response: NETWORK });
      const parent = { taskQueue: queues.parent, workflowId: workflow().workflowId };
      const ends = await Promise.all([
        client.workflow.execute(awaitElsewhere, { ...parent, args: [environment.taskQueue, CLOUD, inChild] }),
        client.workflow.execute(wait, {
          ...parent,
          workflowId: workflow().workflowId,
          args: ['elsewhere', inActivity, { taskQueue: queues.activities }],
        }),
      ]);
      expect(ends).toEqual([NETWORK, NETWORK]);
      const child = await client.workflow.getHandle(operationWorkflowId(CLOUD, inChild)).describe();
      expect(child.taskQueue).toBe(environment.taskQueue);
    } finally {
      await Promise.all(stops.map((stop) => stop()));
    }
  });
});

test('a cloud that is down when a wait begins is polled until it is up', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'temporal-lro-cloud-'));
  const file = join(directory, 'operations.jsonl');
  const environment = await startEnvironment({ cloud: { file }, worker: { workflowsPath } });
  const { client, cloud, workflow } = environment;
  const id = cloud.operation({ after: 100, response: NETWORK });
  await cloud.close();
  const port = Number(cloud.address.split(':')[1]);
  // Turns each connection away, and counts it.
  const down = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
  const turnedAway = once(down, 'connection');
  try {
    const args: Parameters<typeof awaitOperation> = [{ cloud: CLOUD, operationId: id, poll }];
    const handle = await client.workflow.start(awaitOperation, { ...workflow(), args });
    await turnedAway;
    await new Promise((resolve) => down.close(resolve));
    await using back = await FakeCloud.start({ port, file });
    expect(await handle.result()).toEqual(NETWORK);
    expect(back.calls.length).toBeGreaterThan(0);
  } finally {
    down.close();
    await environment.stop();
    await rm(directory, { recursive: true });
  }
});
