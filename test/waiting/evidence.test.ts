import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { operationFailure, operationQuery } from 'temporal-lro';
import type { WaitOptions } from 'temporal-lro/workflow';
import { NetworkService } from '../../examples/provision-cluster/cloud/fakecloud/v1';
import { CLOUD, startEnvironment, type TestEnvironment } from '../support/environment';
import { until } from '../support/until';
import { awaitOperation, executed, executeOperation, inline } from './workflows';

const EMPTY = { '@type': 'google.protobuf.Empty' };
const RESPONSE = { '@type': 'type.googleapis.com/google.protobuf.Empty' };
const GET = '/yandex.cloud.operation.OperationService/Get';
const REFUSALS = { PERMISSION_DENIED: 7, FAILED_PRECONDITION: 9, UNIMPLEMENTED: 12, UNAUTHENTICATED: 16 };

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await startEnvironment({ worker: { workflowsPath: require.resolve('./workflows') } });
});
afterAll(() => environment.stop());

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

async function eventTypes(handle: WorkflowHandle): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).map(({ eventType }) => String(eventType));
}

test.each(Object.entries(REFUSALS))(
  'an operation that this workflow has started is known: %s of its first polls does not end the wait',
  async (_, code) => {
    const { client, cloud, workflow } = environment;
    const response = { id: 'net-1', name: 'net', folderId: '' };
    cloud.on(NetworkService.create).reply(() => ({ after: '2 s', response, faults: [{ on: 'Get', calls: 2, code }] }));
    const waits: Promise<unknown>[] = [
      client.workflow.execute(executed, { ...workflow(), args: [CLOUD, NetworkService.create.path] }),
      client.workflow.execute(executeOperation, {
        ...workflow(),
        args: [{ cloud: CLOUD, method: NetworkService.create.path, request: {} }],
      }),
    ];
    expect(await Promise.all(waits)).toMatchObject([response, response]);
  },
);

test.each(['timer', 'activityRetry'] as const)(
  'by %s, a refusal of a known operation is shown by the query, in the details and in the timeline, and waited out',
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

test('a refusal that comes and goes forever does not make the history grow without bound', async () => {
  const { cloud } = environment;
  const operationId = cloud.operation({ after: '1 h', onCancel: 'completes', response: EMPTY });
  let polls = 0;
  cloud.intercept(({ operationId: asked, method }) =>
    asked === operationId && method === GET && ++polls % 2 === 0 ? { code: 7, message: 'no role' } : undefined,
  );
  const handle = await start(operationId, {
    poll: { by: 'activityRetry', initialInterval: '20 ms', maximumInterval: '20 ms' },
  });
  await until(() => polls > 200);
  // Twenty times a refusal is shown, with a timer and two activities; then it goes on in the worker.
  expect((await handle.fetchHistory()).events?.length).toBeLessThan(20 * 30);
  await handle.cancel();
  expect(await handle.result()).toEqual(RESPONSE);
});

test('a poll that fails for good leaves no timer of the deadline behind', async () => {
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

test.each([
  ['a number', 7],
  ['nothing', null],
  ['an object of somebody else', { outcome: 'done' }],
  ['an operation without a state', { operation: { cloud: CLOUD, id: 'x' } }],
  ['a failed operation without its error', { operation: { cloud: CLOUD, id: 'x', state: 'failed' } }],
  ['a refusal without a reason', { refused: {} }],
])(
  'a poll that somebody completes by hand with %s is a typed failure, and the workflow task goes on',
  async (_, value) => {
    const { client, cloud } = environment;
    const operationId = cloud.operation({ after: '1 h', response: EMPTY });
    const handle = await start(operationId);
    await until(async () => ((await handle.describe()).raw.pendingActivities?.length ?? 0) > 0);
    await client.activity.complete({ workflowId: handle.workflowId, activityId: '1' }, value);
    const failure = await handle.result().then(() => undefined, operationFailure);
    expect(failure).toMatchObject({ type: 'OperationUnreadable', operationId });
    expect(failure?.message).toContain('completed by hand');
    expect((await eventTypes(handle)).filter((type) => type.includes('TaskFailed'))).toEqual([]);
  },
);

test('a poll that somebody completes by hand with the operation ends the wait with it', async () => {
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
