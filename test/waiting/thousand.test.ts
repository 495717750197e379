import { activityInfo } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { OperationsPlugin, serviceAccountKey } from 'temporal-lro';
import { FakeCloud } from 'temporal-lro/testing';
import { CLOUD, eventsBesideTasks, runWorker, startEnvironment, type TestEnvironment } from '../support/environment';
import { authorizedKey, GuardedCloud } from '../support/guarded-cloud';
import { relay, type Relay } from '../support/relay';
import { until } from '../support/until';
import * as activities from './activities';
import { awaitOperation, restless, unrelated } from './workflows';

const COUNT = 1_000;
/** The operations end within this interval, which begins when every wait has polled. */
const FIRST_END_MS = 15_000;
const LAST_END_MS = 75_000;
const AT_ONCE = 16;
/** While intervals are under 5 s the worker watches a wait; on a slow machine some waits grow older than that. */
const WATCHED_MS = 100_000;
/** The number of activities that are retried every second throughout the test. */
const RESTLESS = 10;
const RETRY_MS = 1_000;
/** The documented maximum for 5 min, which shows that the waits do not overload the machine. */
const MAXIMUM_POLLS = 90;
/** So short that more than a hundred tokens are needed. */
const TOKEN_LIFE_MS = 600;

let environment: TestEnvironment;
let cloud: FakeCloud;
/** Serves discovery and tokens. */
let tokens: GuardedCloud;
/** In front of the cloud, its token service and its discovery. */
let relays: Relay[];
/** How late the server and this machine retry an activity that has nothing to do with operations. */
let retryLatenessMs = 0;
const triedAt = new Map<string, number>();
let stopWorker: () => Promise<void>;
/** Until then the cloud's clock stands still at 0, so that no operation ends while waits are being started. */
let releasedAt = Infinity;
const cloudTime = (): number => Math.max(0, Date.now() - releasedAt);

function fail(): Promise<void> {
  const { workflowId = '' } = activityInfo().workflowExecution ?? {};
  const now = Date.now();
  retryLatenessMs = Math.max(retryLatenessMs, now - (triedAt.get(workflowId) ?? now) - RETRY_MS);
  triedAt.set(workflowId, now);
  return Promise.reject(ApplicationFailure.create({ message: 'Try me again', nextRetryDelay: RETRY_MS }));
}

beforeAll(async () => {
  environment = await startEnvironment({ worker: false });
  cloud = await FakeCloud.start({ now: cloudTime });
  const key = authorizedKey();
  tokens = await GuardedCloud.start(key.publicKey);
  tokens.tokenLifeMs = TOKEN_LIFE_MS;
  relays = await Promise.all([cloud, tokens, tokens].map(({ address }) => relay(address)));
  const [operation = '', iam = '', discovery = ''] = relays.map(({ address }) => address);
  tokens.endpoints = { operation, iam };
  const clouds = { [CLOUD]: { discovery, plaintext: true, credentials: serviceAccountKey(key.file) } };
  const { connection, taskQueue } = environment;
  stopWorker = await runWorker({
    connection,
    taskQueue,
    workflowsPath: require.resolve('./workflows'),
    activities: { ...activities, fail },
    maxConcurrentActivityTaskExecutions: 10,
    plugins: [new OperationsPlugin({ clouds })],
  });
}, 60_000);
afterAll(async () => {
  await stopWorker();
  await Promise.all([...relays, tokens, cloud].map((one) => one.close()));
  await environment.stop();
});

/** A few at a time, so that the calls of the test itself do not distort what it measures. */
async function forEach<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  const queue = items.entries();
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (const [index, item] of queue) await work(item, index);
  });
  await Promise.all(workers);
}

test('a thousand waits on ten activity slots end in time, with 11 events each, while other activities run', async () => {
  const { client, workflow } = environment;
  const ends = Array.from({ length: COUNT }, (_, i) => FIRST_END_MS + ((LAST_END_MS - FIRST_END_MS) * i) / COUNT);
  const ids = ends.map((after) => cloud.operation({ after, response: { '@type': 'google.protobuf.Empty' } }));
  const handles: WorkflowHandle[] = [];
  await forEach(ids, async (operationId, i) => {
    const args: Parameters<typeof awaitOperation> = [{ cloud: CLOUD, operationId }];
    handles[i] = await client.workflow.start(awaitOperation, { ...workflow(), args });
  });
  const polled = (): number => new Set(cloud.calls.map(({ operationId }) => operationId)).size;
  await until(() => polled() === COUNT, 100);

  // The slots are free while all of them wait.
  expect(await client.workflow.execute(unrelated, workflow())).toBe('done');
  const others = Array.from({ length: RESTLESS }, () => client.workflow.start(restless, workflow()));
  releasedAt = Date.now();
  await forEach(handles, async (handle) => void (await handle.result()));
  await Promise.all((await Promise.all(others)).map((other) => other.terminate()));

  const lengthsMs: number[] = [];
  const surplus: number[] = [];
  await forEach(handles, async (handle, i) => {
    const { historyLength, startTime } = await handle.describe();
    const lengthMs = (ends[i] ?? 0) + releasedAt - startTime.getTime();
    // More than 11 when the machine was too busy to run a workflow task in time.
    if (historyLength > 11 && lengthMs < WATCHED_MS) surplus.push((await eventsBesideTasks(handle)) - 5);
    lengthsMs[i] = lengthMs;
  });
  expect(surplus.filter((events) => events > 0)).toEqual([]);

  const polls = new Map<string, number>();
  for (const { operationId = '' } of cloud.calls) polls.set(operationId, (polls.get(operationId) ?? 0) + 1);
  expect(Math.max(...polls.values())).toBeLessThanOrEqual(MAXIMUM_POLLS);

  const seenAt = new Map(cloud.calls.map(({ operationId = '', at }) => [operationId, at]));
  // Between two leases the server waits by a timer, which is late by up to a second, or more on a busy machine.
  const allowedMs = Math.max(1_000, retryLatenessMs);
  const excess = ids.map((id, i) => {
    const latenessMs = (seenAt.get(id) ?? Infinity) - (ends[i] ?? 0);
    return latenessMs - Math.max(1_200, 0.065 * (lengthsMs[i] ?? 0)) - allowedMs;
  });
  process.stdout.write(
    `the latest of ${COUNT} waits: ${Math.round(Math.max(...excess))} ms over the bound, retries up to ${retryLatenessMs} ms late, up to ${Math.max(...polls.values())} polls, ${tokens.callsOf('Create').length} tokens\n`,
  );
  expect(Math.max(...excess)).toBeLessThanOrEqual(0);
}, 240_000);

test('these waits needed one connection to each endpoint, with more than a hundred tokens', () => {
  expect(tokens.callsOf('Create').length).toBeGreaterThan(100);
  expect(relays.map((one) => one.connections())).toEqual([1, 1, 1]);
});
