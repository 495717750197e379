import type { WorkflowHandle } from '@temporalio/client';
import {
  operationChanged,
  operationFailure,
  operationQuery,
  OperationsPlugin,
  pollOperation,
  type CloudOptions,
  type OperationFailure,
} from 'temporal-lro';
import { seeded } from '../../bench/simulate';
import { NetworkService } from '../../src/testing/resources';
import { CLOUD, pluginOf, runWorker } from '../support/environment';
import { startSkippingEnvironment, type SkippingEnvironment } from '../support/time-skipping';
import { awaitOperation, inline, parent } from './workflows';

const DAY = 24 * 3_600_000;
const EMPTY = { '@type': 'google.protobuf.Empty' };
const RESPONSE = { '@type': 'type.googleapis.com/google.protobuf.Empty' };
const workflowsPath = require.resolve('./workflows');
/** UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL, UNAVAILABLE. */
const TRANSIENT = [2, 4, 8, 10, 13, 14];

let environment: SkippingEnvironment;
beforeAll(async () => {
  environment = await startSkippingEnvironment({ worker: { workflowsPath } });
}, 60_000);
afterAll(() => environment.stop());

function polls(id: string): number {
  return environment.cloud.calls.filter(({ operationId }) => operationId === id).length;
}

function start(
  type: typeof awaitOperation | typeof inline | typeof parent,
  operationId: string,
  options: Omit<Parameters<typeof awaitOperation>[0], 'cloud' | 'operationId'> = {},
): Promise<WorkflowHandle> {
  const { client, workflow } = environment;
  const args: Parameters<typeof awaitOperation> = [{ cloud: CLOUD, operationId, ...options }];
  return client.workflow.start(type, { ...workflow(), workflowRunTimeout: '30 days', args });
}

async function failureOf(handle: WorkflowHandle): Promise<OperationFailure | undefined> {
  return handle.result().then(() => undefined, operationFailure);
}

/** The history length of each run, the latest first. */
async function historyLengths(workflowId: string): Promise<number[]> {
  const lengths: number[] = [];
  for (let runId: string | null | undefined, isFirst = true; isFirst || runId; isFirst = false) {
    const handle = environment.client.workflow.getHandle(workflowId, runId ?? undefined);
    const { events } = await handle.fetchHistory();
    lengths.push(events?.length ?? 0);
    runId = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
  }
  return lengths;
}

/** During each outage the cloud refuses every poll of the operation. */
const outages: { id: string; code: number; from: number; to: number }[] = [];
/** Operations for which a fifth of the polls fail. */
const faulty = new Set<string>();
const random = seeded(7);
beforeAll(() => {
  const { cloud } = environment;
  cloud.intercept(({ operationId = '' }) => {
    const at = cloud.calls.at(-1)?.at ?? 0;
    const outage = outages.find(({ id, from, to }) => id === operationId && at >= from && at < to);
    if (outage) return { code: outage.code, message: 'the key was revoked' };
    if (!faulty.has(operationId) || random() >= 0.2) return undefined;
    return { code: TRANSIENT[Math.floor(random() * TRANSIENT.length)] ?? 14, message: 'a fault' };
  });
});

/** Waits of seven days where a fifth of the polls fail. All run at once, and their results are awaited one by one. */
const SEVEN_DAYS = [
  ['by timer, as a child, continued as new', parent, { by: 'timer' }, 4_200],
  ['by activity retry', awaitOperation, { by: 'activityRetry' }, 11],
  ['inline by timer, which goes on by activity retry', inline, { by: 'timer', maximumInterval: '30 min' }, 1_300],
] as const;
const sevenDays = new Map<string, { id: string; handle: WorkflowHandle }>();
beforeAll(async () => {
  for (const [name, type, poll] of SEVEN_DAYS) {
    const id = environment.cloud.operation({ after: '7 days', response: EMPTY });
    faulty.add(id);
    sevenDays.set(name, { id, handle: await start(type, id, { poll }) });
  }
});

test.each(SEVEN_DAYS)(
  'a wait of 7 days with faults on 20 %% of its polls succeeds %s',
  async (name, type, _, maximumEvents) => {
    const { id, handle } = sevenDays.get(name) ?? { id: '', handle: undefined };
    expect(await handle?.result()).toEqual(RESPONSE);
    expect(polls(id)).toBeLessThanOrEqual(2_250);
    const { events } = (await handle?.fetchHistory()) ?? {};
    const child = events?.find((event) => event.childWorkflowExecutionStartedEventAttributes);
    const childId = child?.childWorkflowExecutionStartedEventAttributes?.workflowExecution?.workflowId;
    const lengths = await historyLengths(childId ?? handle?.workflowId ?? '');
    if (type === parent) expect(lengths.length).toBeGreaterThan(3);
    else expect(lengths).toHaveLength(1);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(maximumEvents);
  },
  300_000,
);

test.each([
  ['PERMISSION_DENIED', 7, 'timer'],
  ['UNAUTHENTICATED', 16, 'activityRetry'],
] as const)('a wait retries %s for two hours, at up to the maximum interval', async (_, code, by) => {
  const { cloud } = environment;
  const id = cloud.operation({ after: '3 h', response: EMPTY });
  const from = (await environment.now()) + 1_800_000;
  const to = from + 7_200_000;
  outages.push({ id, code, from, to });
  const handle = await start(awaitOperation, id, { poll: { by } });
  expect(await handle.result()).toEqual(RESPONSE);
  const refused = cloud.calls.filter(({ operationId, at }) => operationId === id && at >= from && at < to);
  expect(refused.length).toBeGreaterThanOrEqual(20);
  expect(refused.length).toBeLessThanOrEqual(30);
});

/** Workers that a deployment has broken, each with its error. */
const BROKEN: [string, (address: string) => Record<string, CloudOptions>, string][] = [
  ['a cloud', (endpoint) => ({ other: { endpoint, plaintext: true } }), 'this worker configures other'],
  [
    'the descriptors of a method',
    (endpoint) => ({ [CLOUD]: { endpoint, plaintext: true, watch: false } }),
    'method: no service fakecloud.v1.NetworkService in the descriptors of this cloud',
  ],
];
const NETWORK = { '@type': 'type.googleapis.com/fakecloud.v1.Network', id: 'n', name: 'net', folderId: '' };

test.each(BROKEN)(
  '%s that is missing after a deployment ends a wait that has seen nothing, and is retried by one that has seen the operation',
  async (_, clouds, text) => {
    const { cloud, client, connection, workflow } = environment;
    const { workflowId: taskQueue } = workflow();
    const working = { connection, taskQueue, plugins: [pluginOf(cloud, { now: environment.now })] };
    const broken = { ...working, plugins: [new OperationsPlugin({ clouds: clouds(cloud.address) })] };
    const id = cloud.operation({ after: '3 h', response: NETWORK });
    const begin = (): Promise<WorkflowHandle> => {
      const method = NetworkService.create;
      const args: Parameters<typeof inline> = [{ cloud: CLOUD, operationId: id, taskQueue, method }];
      return client.workflow.start(inline, { ...workflow(), workflowRunTimeout: '30 days', args });
    };
    let stop = await runWorker(working);
    const handle = await begin();
    await environment.sleep('10 min');
    await stop();
    const before = polls(id);
    stop = await runWorker(broken);
    const told = await failureOf(await begin());
    expect(told).toMatchObject({
      type: 'OperationConfigurationError',
      message: expect.stringContaining(text) as string,
    });
    await environment.sleep('1 h');
    expect(polls(id)).toBe(before);
    await stop();
    stop = await runWorker(working);
    expect(await handle.result()).toEqual(NETWORK);
    await stop();
  },
);

test('an outage of hours ends no wait, and no thundering herd follows it', async () => {
  const { cloud } = environment;
  const from = (await environment.now()) + 1_800_000;
  const to = from + 3 * 3_600_000;
  const ids = Array.from({ length: 20 }, () => cloud.operation({ after: '4 h', response: EMPTY }));
  outages.push(...ids.map((id) => ({ id, code: 14, from, to })));
  const by = (i: number): 'timer' | 'activityRetry' => (i % 2 ? 'timer' : 'activityRetry');
  const handles: WorkflowHandle[] = [];
  for (const [i, id] of ids.entries())
    handles.push(await start(awaitOperation, id, { poll: { by: by(i), ageFraction: 1 } }));
  for (const handle of handles) expect(await handle.result()).toEqual(RESPONSE);
  const returnsAt = ids.map((id) => {
    const { at } = cloud.calls.find((call) => call.operationId === id && call.at >= to) ?? { at: Infinity };
    return at;
  });
  // The maximum interval is 5 min ± 20 %: by then all have polled again, with few polls at any moment.
  expect(Math.max(...returnsAt) - to).toBeLessThanOrEqual(370_000);
  const together = returnsAt.map((at) => returnsAt.filter((other) => other >= at && other < at + 10_000).length);
  expect(Math.max(...together)).toBeLessThanOrEqual(6);
});

test("a timeout uses Temporal's clock, also after the wait continues as new", async () => {
  const { cloud } = environment;
  const id = cloud.operation({ after: '7 days', response: EMPTY });
  const beganAt = await environment.now();
  const handle = await start(awaitOperation, id, { timeout: '2 days' });
  const failure = await failureOf(handle);
  expect(failure).toMatchObject({ type: 'OperationTimedOut', operation: { state: 'running' } });
  const lastPolledAt = new Date(failure?.lastPolledAt ?? 0).getTime();
  expect(Math.abs(lastPolledAt - beganAt - 2 * DAY)).toBeLessThan(10_000);
  expect((await historyLengths(handle.workflowId)).length).toBe(2);
}, 60_000);

test('a hint of a day does not stall a wait for longer than four maximum intervals', async () => {
  const { cloud } = environment;
  const id = cloud.operation({ after: '1 h', response: EMPTY, pollInterval: 86_400 });
  const handle = await start(awaitOperation, id, { poll: { maximumInterval: '1 min' } });
  expect(await handle.result()).toEqual(RESPONSE);
  // One poll at once, then one every 4 min.
  expect(polls(id)).toBeGreaterThanOrEqual(16);
  expect(polls(id)).toBeLessThanOrEqual(17);
});

/** The first poll at once, the next after 1 s, and each at twice the age of the one before: soon minutes apart. */
const SPARSE = { ageFraction: 1, maximumInterval: '1 h', jitter: 0 } as const;

test.each(['timer', 'activityRetry'] as const)(
  'by %s, operationChanged ends a wait whose next poll is far away',
  async (by) => {
    const id = environment.cloud.operation({ after: '20 min', response: EMPTY });
    const handle = await start(awaitOperation, id, { poll: { ...SPARSE, by } });
    await environment.sleep('20 min');
    const before = polls(id);
    for (let i = 0; i < 20; i++) await handle.signal(operationChanged);
    expect(await handle.result()).toEqual(RESPONSE);
    const [seen, ...others] = environment.cloud.calls.filter(({ operationId }) => operationId === id).slice(before);
    expect(others).toEqual([]);
    const { startTime } = await handle.describe();
    expect((seen?.at ?? Infinity) - startTime.getTime()).toBeLessThan(20 * 60_000 + 10_000);
  },
);

/** The first poll at once, then after 2 min, and each at twice the age of the one before: 0, 2, 4, 8, 16, 32 min. */
const DOUBLING = { initialInterval: '2 min', maximumInterval: '1 h', ageFraction: 1, jitter: 0 } as const;

test('pollOperation polls at once, returns the snapshot, polls at most once per initial interval, and delays the next poll', async () => {
  const id = environment.cloud.operation({ after: '100 min', response: EMPTY });
  const handle = await start(awaitOperation, id, { poll: DOUBLING });
  await environment.sleep('20 min');
  expect(polls(id)).toBe(5);
  const snapshots = [await handle.executeUpdate(pollOperation), await handle.executeUpdate(pollOperation)];
  expect(snapshots).toMatchObject([
    { id, state: 'running' },
    { id, state: 'running' },
  ]);
  expect(polls(id)).toBe(6);
  // The next one is due at 40 min, not at 32.
  await environment.sleep('14 min');
  expect(polls(id)).toBe(6);
  await environment.sleep('8 min');
  expect(polls(id)).toBe(7);
  expect(await handle.query(operationQuery)).toMatchObject({ id, state: 'running' });
  await handle.terminate();
});

test('a signal right after a poll is delayed by the initial interval, and not lost', async () => {
  const id = environment.cloud.operation({ after: '21 min', response: EMPTY });
  const handle = await start(awaitOperation, id, { poll: DOUBLING });
  await environment.sleep('20 min');
  expect(polls(id)).toBe(5);
  await handle.executeUpdate(pollOperation);
  await handle.signal(operationChanged);
  expect(await handle.result()).toEqual(RESPONSE);
  expect(polls(id)).toBe(7);
  const last = environment.cloud.calls.filter(({ operationId }) => operationId === id).at(-1);
  const { startTime } = await handle.describe();
  expect((last?.at ?? Infinity) - startTime.getTime()).toBeLessThan(23 * 60_000);
});

test("an operation that is rolling back is shown and awaited, or fails the wait at once with onRollback 'fail'", async () => {
  const error = { code: 9, message: 'no room' };
  const id = environment.cloud.operation({ after: '30 min', rollback: '15 min', error });
  const handle = await start(awaitOperation, id);
  const told = await start(awaitOperation, id, { onRollback: 'fail' });
  await environment.sleep('20 min');
  expect(await handle.query(operationQuery)).toMatchObject({ state: 'rollingBack', error: { message: 'no room' } });
  expect(await failureOf(told)).toMatchObject({ type: 'OperationFailed', operation: { state: 'rollingBack' } });
  expect(await failureOf(handle)).toMatchObject({ type: 'OperationFailed', operation: { state: 'failed' } });
});

test("a timeout with onTimeout 'cancel' cancels the operation, and the failure says so", async () => {
  const id = environment.cloud.operation({ after: '3 h', response: EMPTY });
  const handle = await start(inline, id, { timeout: '1 h', onTimeout: 'cancel' });
  expect(await failureOf(handle)).toMatchObject({ type: 'OperationTimedOut', operation: { state: 'failed' } });
  const completes = environment.cloud.operation({ after: '3 h', response: EMPTY, onCancel: 'completes' });
  expect(await (await start(inline, completes, { timeout: '1 h', onTimeout: 'cancel' })).result()).toEqual(RESPONSE);
});

test('an operation that ends at the moment of the timeout is reported by its result', async () => {
  const id = environment.cloud.operation({ after: '59 min', response: EMPTY });
  const poll = { initialInterval: '58 min', jitter: 0 } as const;
  expect(await (await start(awaitOperation, id, { timeout: '1 h', poll })).result()).toEqual(RESPONSE);
});
