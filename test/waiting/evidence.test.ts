import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { operationFailure, operationQuery, OperationsPlugin } from 'temporal-lro';
import type { WaitOptions } from 'temporal-lro/workflow';
import { NetworkService } from '../../examples/provision-cluster/cloud/fakecloud/v1';
import { CLOUD, pluginOf, runWorker, startEnvironment, type TestEnvironment } from '../support/environment';
import { until } from '../support/until';
import { awaitOperation, executed, executeOperation, inline } from './workflows';

const EMPTY = { '@type': 'google.protobuf.Empty' };
const RESPONSE = { '@type': 'type.googleapis.com/google.protobuf.Empty' };
const GET = '/yandex.cloud.operation.OperationService/Get';
/** PERMISSION_DENIED, FAILED_PRECONDITION, UNIMPLEMENTED, UNAUTHENTICATED. */
const REFUSALS = [7, 9, 12, 16];

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await startEnvironment({ worker: { workflowsPath: require.resolve('./workflows') } });
});
afterAll(() => environment.stop());

/** Started before the other tests, since each of its timers takes a second. */
const flapping: { polls: number; handle?: WorkflowHandle } = { polls: 0 };
beforeAll(async () => {
  const { cloud } = environment;
  const operationId = cloud.operation({ after: '1 h', onCancel: 'completes', response: EMPTY });
  cloud.intercept(({ operationId: asked, method }) =>
    asked === operationId && method === GET && ++flapping.polls % 2 === 0 ? { code: 7, message: 'no role' } : undefined,
  );
  flapping.handle = await start(operationId, {
    poll: { by: 'activityRetry', initialInterval: '20 ms', maximumInterval: '20 ms' },
  });
});

function start(operationId: string, options: WaitOptions = {}): Promise<WorkflowHandle<typeof awaitOperation>> {
  const { client, workflow } = environment;
  return client.workflow.start(awaitOperation, { ...workflow(), args: [{ cloud: CLOUD, operationId, ...options }] });
}

/** Refuses polls of an operation with PERMISSION_DENIED while the returned flag is set. */
function refusing(operationId: string): { isOn: boolean } {
  const refusal = { isOn: false };
  environment.cloud.intercept(({ operationId: asked, method }) =>
    refusal.isOn && asked === operationId && method === GET ? { code: 7, message: 'no role' } : undefined,
  );
  return refusal;
}

test('an operation that this workflow has started is known: refusals of its first polls do not end the wait', async () => {
  const { client, cloud, workflow } = environment;
  const response = { id: 'net-1', name: 'net', folderId: '' };
  let starts = 0;
  cloud.on(NetworkService.create).reply(() => {
    const code = REFUSALS[Math.floor(starts++ / 2)] ?? 0;
    return { after: '1 s', response, faults: [{ on: 'Get', calls: 1, code }] };
  });
  const waits = REFUSALS.flatMap((): Promise<unknown>[] => [
    client.workflow.execute(executed, { ...workflow(), args: [CLOUD, NetworkService.create.path] }),
    client.workflow.execute(executeOperation, {
      ...workflow(),
      args: [{ cloud: CLOUD, method: NetworkService.create.path, request: {} }],
    }),
  ]);
  expect(await Promise.all(waits)).toMatchObject(waits.map(() => response));
});

test.each(['timer', 'activityRetry'] as const)(
  'by %s, a refusal of a known operation is retried, and the query, the details and the timeline show it',
  async (by) => {
    const { cloud } = environment;
    const operationId = cloud.operation({
      after: '1 h',
      onCancel: 'completes',
      description: 'Make x',
      response: EMPTY,
    });
    const refusal = refusing(operationId);
    const handle = await start(operationId, { poll: { by, initialInterval: '200 ms', jitter: 0 } });
    await until(() => cloud.calls.filter((call) => call.operationId === operationId).length > 2);
    refusal.isOn = true;
    await until(async () => (await handle.query(operationQuery)).pollError !== undefined);
    expect(await handle.query(operationQuery)).toMatchObject({
      id: operationId,
      state: 'running',
      description: 'Make x',
      lastPolledAt: expect.stringMatching(/Z$/) as string,
      pollError: {
        code: 7,
        codeName: 'PERMISSION_DENIED',
        message: 'no role',
        since: expect.stringMatching(/Z$/) as string,
        nextPollAt: expect.stringMatching(/Z$/) as string,
      },
    });
    const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    expect(currentDetails).toContain('**Polls are refused** since');
    const refused = cloud.calls.length;
    await until(() => cloud.calls.length > refused);
    refusal.isOn = false;
    await until(async () => (await handle.query(operationQuery)).pollError === undefined);
    expect(await handle.query(operationQuery)).toMatchObject({ state: 'running', description: 'Make x' });
    expect((await handle.fetchHistory()).events?.length).toBeLessThan(60);
    await handle.cancel();
    expect(await handle.result()).toEqual(RESPONSE);
  },
);

test('what one worker has seen counts on the next: a worker without the cloud ends no wait, and does not replace its timeout', async () => {
  const { client, cloud, connection, workflow } = environment;
  const { workflowId: taskQueue } = workflow();
  const working = { connection, taskQueue, plugins: [pluginOf(cloud)] };
  const elsewhere = { other: { endpoint: cloud.address, plaintext: true } };
  const broken = { ...working, plugins: [new OperationsPlugin({ clouds: elsewhere })] };
  const begin = async (options: WaitOptions): Promise<WorkflowHandle> => {
    const operationId = cloud.operation({ after: '1 h', onCancel: 'completes', response: EMPTY });
    const args: Parameters<typeof inline> = [{ cloud: CLOUD, operationId, taskQueue, ...options }];
    const handle = await client.workflow.start(inline, { ...workflow(), args });
    // The second poll shows that the first one was answered.
    await until(() => cloud.calls.filter((call) => call.operationId === operationId).length > 1);
    return handle;
  };
  let stop = await runWorker(working);
  const [limited, unlimited] = [await begin({ timeout: '8 s' }), await begin({})];
  // The worker gives its leases back, with the poll record.
  await stop();
  stop = await runWorker(broken);
  const failure = await limited.result().then(() => undefined, operationFailure);
  expect(failure).toMatchObject({ type: 'OperationTimedOut', operationId: expect.any(String) as string });
  expect(failure?.message).toMatch(
    /a last poll failed \(.*: cloud is "yandex", but this worker configures other.*plugin\), and it goes on/i,
  );
  expect((await unlimited.describe()).status.name).toBe('RUNNING');
  await stop();
  stop = await runWorker(working);
  await unlimited.cancel();
  expect(await unlimited.result()).toEqual(RESPONSE);
  await stop();
});

test('a poll with a final failure leaves no deadline timer open', async () => {
  const { client, cloud, workflow } = environment;
  const operationId = cloud.operation({ after: '1 h', response: EMPTY, faults: [{ calls: 1, code: 7 }] });
  const handle = await client.workflow.start(inline, {
    ...workflow(),
    args: [{ cloud: CLOUD, operationId, timeout: '1 h' }],
  });
  expect(await handle.result().then(() => undefined, operationFailure)).toMatchObject({
    type: 'OperationServiceError',
  });
  const { events } = await handle.fetchHistory();
  const timers = (events ?? []).filter((event) => event.timerStartedEventAttributes).length;
  const cancelled = (events ?? []).filter((event) => event.timerCanceledEventAttributes).length;
  expect([timers, cancelled]).toEqual([1, 1]);
});

test('a poll that somebody completes by hand with an invalid value is a typed failure, and no workflow task fails', async () => {
  const { client, cloud } = environment;
  const status = { code: 7, codeName: 'PERMISSION_DENIED', message: 'no', details: [] };
  const refused = { status, record: { known: true, failures: 0 }, delayMs: 1 };
  const values = [
    7,
    null,
    { outcome: 'done' },
    { operation: { cloud: CLOUD, id: 'x' } },
    { operation: { cloud: CLOUD, id: 'x', state: 'failed' } },
    { refused: {} },
    { refused: { ...refused, record: { known: true, failures: 0, refusedSinceMs: 'then' } } },
    { refused: { ...refused, record: { known: true, failures: 0, refusedSinceMs: 1e300 } } },
    { refused: { ...refused, delayMs: 1e300 } },
    { refused: { ...refused, seen: { operation: { cloud: CLOUD, id: 'x', state: 'running' }, atMs: 1e300 } } },
  ];
  const ends = values.map(async (value) => {
    const operationId = cloud.operation({ after: '1 h', response: EMPTY });
    const handle = await start(operationId);
    await until(async () => ((await handle.describe()).raw.pendingActivities?.length ?? 0) > 0);
    await client.activity.complete({ workflowId: handle.workflowId, activityId: '1' }, value);
    const failure = await handle.result().then(() => undefined, operationFailure);
    expect(failure).toMatchObject({ type: 'OperationUnreadable', operationId });
    expect(failure?.message).toContain('completed by hand');
    expect((await handle.fetchHistory()).events?.some((event) => event.workflowTaskFailedEventAttributes)).toBe(false);
  });
  await Promise.all(ends);
});

test('a poll that somebody completes by hand with a finished operation ends the wait with it', async () => {
  const { client, cloud } = environment;
  const operationId = cloud.operation({ after: '1 h', response: EMPTY });
  const handle = await start(operationId);
  await until(async () => ((await handle.describe()).raw.pendingActivities?.length ?? 0) > 0);
  const operation = { cloud: CLOUD, id: operationId, state: 'succeeded', response: RESPONSE };
  await client.activity.complete({ workflowId: handle.workflowId, activityId: '1' }, { operation });
  expect(await handle.result()).toEqual(RESPONSE);
});

test('a poll that somebody fails by hand is a typed failure with the reason', async () => {
  const { client, cloud } = environment;
  const operationId = cloud.operation({ after: '1 h', response: EMPTY });
  const handle = await start(operationId);
  await until(async () => ((await handle.describe()).raw.pendingActivities?.length ?? 0) > 0);
  const failure = ApplicationFailure.nonRetryable('given up by Ann');
  await client.activity.fail({ workflowId: handle.workflowId, activityId: '1' }, failure);
  expect(await handle.result().then(() => undefined, operationFailure)).toMatchObject({
    type: 'OperationServiceError',
    operationId,
    message: expect.stringContaining('given up by Ann') as string,
  });
});

test('a refusal that comes and goes forever does not make the history grow without bound', async () => {
  const { polls, handle } = flapping;
  await until(() => flapping.polls > polls + 60);
  // Ten times a refusal is shown, with a timer and two activities; after that the wait stays in the worker.
  expect((await handle?.fetchHistory())?.events?.length).toBeLessThan(10 * 30);
  await handle?.cancel();
  expect(await handle?.result()).toEqual(RESPONSE);
});
