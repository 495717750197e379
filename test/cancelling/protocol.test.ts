import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { FaultEffect, OperationScript } from '../../src/testing/script';
import { OperationsClient } from 'temporal-lro';
import { pluginOf, runWorker } from '../support/environment';
import { until } from '../support/until';
import { cancels, eventsOf, startScene, taskFailures, type Scene } from './scene';
import * as workflows from './workflows';

let scene: Scene;
/** Makes calls for an operation fail, by its ID and the name of the method. */
const spoilt = new Map<string, FaultEffect>();

beforeAll(async () => {
  scene = await startScene();
  scene.cloud.intercept(({ method, operationId, count }) =>
    count === 1 ? spoilt.get(`${method.split('/').at(-1)} ${operationId}`) : undefined,
  );
});
afterAll(() => scene.stop());

const METADATA = { '@type': 'fakecloud.v1.CreateClusterMetadata', clusterId: 'cluster-1' };
const LONG: OperationScript = { after: '1 h', metadata: METADATA, response: { '@type': 'google.protobuf.Empty' } };

/** How the workflow ended, as its client sees it. */
function ended(handle: WorkflowHandle): Promise<workflows.Told> {
  return workflows.told(
    handle.result().catch((err: unknown) => {
      throw err instanceof WorkflowFailedError ? err.cause : err;
    }),
  );
}

async function startWait(operationId: string, ...rest: [options?: Parameters<typeof workflows.wait>[1]]) {
  const args: Parameters<typeof workflows.wait> = [operationId, ...rest];
  const handle = await scene.client.workflow.start(workflows.wait, { ...scene.workflow(), args });
  await scene.polled(operationId);
  return handle;
}

test('no Cancel is sent when the terminal reply is in flight while the workflow is cancelled', async () => {
  const operationId = scene.cloud.operation({ response: LONG.response });
  spoilt.set(`Get ${operationId}`, { hang: '2 s' });
  const handle = await startWait(operationId);
  await handle.cancel();
  expect(await ended(handle)).toEqual({ gets: 'the response' });
  expect(cancels(scene.cloud, operationId)).toBe(0);
});

test('no Cancel is sent when the terminal reply reaches the workflow together with its cancellation', async () => {
  const { client, cloud, connection, taskQueue, workflow } = scene;
  const operationId = cloud.operation({ response: LONG.response });
  const own = { ...workflow(), taskQueue: `${taskQueue}-crossing` };
  const worker = {
    connection,
    taskQueue: own.taskQueue,
    workflowsPath: require.resolve('./workflows'),
    maxCachedWorkflows: 0,
  };
  const activities = `${taskQueue}-activities`;
  let stop = await runWorker(worker);
  const args: Parameters<typeof workflows.waitElsewhere> = [operationId, activities];
  const handle = await client.workflow.start(workflows.waitElsewhere, { ...own, args });
  await until(async () => (await eventTypes(handle)).includes('ACTIVITY_TASK_SCHEDULED'));
  await stop();
  await handle.cancel();
  const stopActivities = await runWorker({ connection, taskQueue: activities, plugins: [pluginOf(cloud)] });
  await until(async () => (await eventTypes(handle)).includes('ACTIVITY_TASK_COMPLETED'));
  stop = await runWorker(worker);
  expect(await ended(handle)).toEqual({ gets: 'the response' });
  expect(cancels(cloud, operationId)).toBe(0);
  expect(await taskFailures(handle)).toEqual([]);
  await stop();
  await stopActivities();
});

async function eventTypes(handle: WorkflowHandle): Promise<string[]> {
  return (await eventsOf(handle)).map(({ eventType }) => eventType);
}

test('concurrent cancellations of an operation share one request', async () => {
  const operationId = scene.cloud.operation({ ...LONG, onCancel: { cancelsAfter: 500 } });
  spoilt.set(`Cancel ${operationId}`, { hang: 200 });
  const options = { ...scene.workflow(), args: [operationId] satisfies Parameters<typeof workflows.cancelThrice> };
  const handle = await scene.client.workflow.start(workflows.cancelThrice, options);
  await scene.polled(operationId);
  await handle.signal(workflows.go);
  const { outcomes, waited } = await handle.result();
  expect(outcomes).toEqual(['cancelled', 'cancelled']);
  expect(waited.gets).toBe('`CancelledFailure`');
  expect(cancels(scene.cloud, operationId)).toBe(1);
});

test.each(['1 s', '5 min'] as const)(
  'cancelling one of two waits for an operation, with polls every %s, also ends the other',
  async (interval) => {
    const operationId = scene.cloud.operation(LONG);
    const args: Parameters<typeof workflows.waitTwice> = [operationId, { poll: { initialInterval: interval } }];
    const handle = await scene.client.workflow.start(workflows.waitTwice, { ...scene.workflow(), args });
    await scene.polled(operationId);
    await handle.signal(workflows.go);
    expect((await handle.result()).map(({ gets }) => gets)).toEqual(['`CancelledFailure`', '`OperationCancelled`']);
  },
);

test('a wait that is not cancelled keeps its watch when another wait for the operation is cancelled', async () => {
  const operationId = scene.cloud.operation({ ...LONG, after: 2500, onCancel: 'ignores' });
  const args: Parameters<typeof workflows.waitTwice> = [operationId, { cancelTimeout: '1 s' }];
  const handle = await scene.client.workflow.start(workflows.waitTwice, { ...scene.workflow(), args });
  await scene.polled(operationId);
  await handle.signal(workflows.go);
  expect((await handle.result()).map(({ gets }) => gets)).toEqual(['`OperationStillRunning`', 'the response']);
});

test('cleanup code in a cancelled workflow can cancel by a handle', async () => {
  const operationId = scene.cloud.operation(LONG);
  const options = { ...scene.workflow(), args: [operationId] satisfies Parameters<typeof workflows.cancelInCleanUp> };
  const handle = await scene.client.workflow.start(workflows.cancelInCleanUp, options);
  await until(async () => (await eventTypes(handle)).includes('WORKFLOW_TASK_COMPLETED'));
  await handle.cancel();
  expect(await handle.result()).toBe('cancelled');
});

test('an operation that somebody else cancels fails the workflow, and does not count as the cancellation of the workflow', async () => {
  const operationId = scene.cloud.operation({ ...LONG, description: 'Create cluster' });
  const handle = await startWait(operationId);
  const somebody = OperationsClient.connect({ endpoint: scene.cloud.address, plaintext: true });
  await somebody.cancel(operationId);
  somebody.close();
  const told = await ended(handle);
  expect(told).toMatchObject({ gets: '`OperationCancelled`', operation: { metadata: { clusterId: 'cluster-1' } } });
  expect(told.message).toMatch(
    /^yandex operation .* \(Create cluster cluster-1\) failed: CANCELLED: The operation was/,
  );
  expect((await handle.describe()).status.name).toBe('FAILED');
});

test.each<[string, OperationScript, string]>([
  [
    'refuses, and completes it within cancelTimeout',
    { ...LONG, after: 2500, onCancel: { refuses: { code: 12 } } },
    'the response',
  ],
  [
    'is rolling it back',
    { after: 2500, rollback: 2500, metadata: METADATA, error: { code: 13, message: 'out of machines' } },
    '`OperationFailed`',
  ],
])('a cancelled caller is told how the operation ended when the cloud %s', async (_, script, gets) => {
  const handle = await startWait(scene.cloud.operation(script));
  await handle.cancel();
  expect((await ended(handle)).gets).toBe(gets);
});

test('a caller that is cancelled while its timeout cancels the operation gets a CancelledFailure', async () => {
  const operationId = scene.cloud.operation({ ...LONG, onCancel: { cancelsAfter: 1500 } });
  const handle = await startWait(operationId, { timeout: '1 s', onTimeout: 'cancel' });
  await until(() => cancels(scene.cloud, operationId) > 0);
  await handle.cancel();
  expect((await ended(handle)).gets).toBe('`CancelledFailure`');
  expect(cancels(scene.cloud, operationId)).toBe(1);
});

test.each<[string, FaultEffect]>([
  ['is slow', { hang: '1 s' }],
  ['is lost', { lostReply: true }],
])('a start whose answer %s is found by its idempotency key and cancelled', async (_, effect) => {
  const { client, cloud, workflow } = scene;
  const script: OperationScript = { ...LONG };
  const name = `prod-${String(Object.keys(effect))}`;
  let starts = 0;
  cloud.on('/fakecloud.v1.ClusterService/Create').reply(() => script);
  cloud.intercept(({ method }) => (method.endsWith('ClusterService/Create') && starts++ === 0 ? effect : undefined));
  const args: Parameters<typeof workflows.execute> = [name, {}];
  const handle = await client.workflow.start(workflows.execute, { ...workflow(), args });
  await until(() => starts > 0);
  await handle.cancel();
  expect(await handle.result()).toMatchObject({ gets: '`CancelledFailure`' });
  const ids = new Set(cloud.calls.filter(({ method }) => method.endsWith('/Cancel')).map((call) => call.operationId));
  const started = [...ids].at(-1) ?? '';
  expect(cancels(cloud, started)).toBe(1);
});

test('cancelling adds at most 12 events to a wait, and the dropped watch reports nothing', async () => {
  const count = async (script: OperationScript, cancel: boolean): Promise<number> => {
    const handle = await startWait(scene.cloud.operation(script));
    if (cancel) await handle.cancel();
    await ended(handle);
    return (await eventsOf(handle)).length;
  };
  const [alone, atOnce, late] = await Promise.all([
    count({ ...LONG, after: 1500 }, false),
    count(LONG, true),
    count({ ...LONG, onCancel: { cancelsAfter: 2000 } }, true),
  ]);
  expect([alone, atOnce, late]).toEqual([11, 17, 23]);
});

test('a dropped watch reports nothing to a workflow that continues', async () => {
  const operationId = scene.cloud.operation({ ...LONG, onCancel: { cancelsAfter: 1500 } });
  const options = { ...scene.workflow(), args: [operationId] satisfies Parameters<typeof workflows.stayOpen> };
  const handle = await scene.client.workflow.start(workflows.stayOpen, options);
  await scene.polled(operationId);
  await handle.signal(workflows.go);
  await handle.result();
  const types = await eventTypes(handle);
  const polls = ['operation.cancel', 'operation.get after it'];
  expect(types.filter((type) => type === 'ACTIVITY_TASK_COMPLETED')).toHaveLength(polls.length);
  expect(types.filter((type) => /ACTIVITY_TASK_(FAILED|TIMED_OUT|CANCELED)/.test(type))).toEqual([]);
});
