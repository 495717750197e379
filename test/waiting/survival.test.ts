import type { WorkflowHandle } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { OperationsPlugin, serviceAccountKey, type CloudOptions } from 'temporal-lro';
import { FakeCloud } from 'temporal-lro/testing';
import { CLOUD, eventsBesideTasks, runWorker, startEnvironment, type TestEnvironment } from '../support/environment';
import { authorizedKey, GuardedCloud } from '../support/guarded-cloud';
import { CREDENTIALS } from '../support/left-behind';
import { relay, type Relay } from '../support/relay';
import { until } from '../support/until';
import { startWorkerProcess, type WorkerProcess, type WorkerProcessOptions } from '../support/worker-process';
import { awaitOperation, lingering } from './workflows';

const EMPTY = { '@type': 'google.protobuf.Empty' };
const workflowsPath = require.resolve('./workflows');

/** Runs the workflows. Waits whose activities have another task queue are watched by other workers. */
let environment: TestEnvironment;
const ends: (() => Promise<void>)[] = [];
/** The scenarios are idle most of the time, so they run at once; each test awaits its own. */
let scenarios: {
  killed: ReturnType<typeof killed>;
  terminated: ReturnType<typeof terminated>;
  halfOpen: ReturnType<typeof halfOpen>;
  halfOpenTokens: ReturnType<typeof halfOpenTokens>;
  temporalAway: ReturnType<typeof temporalAway>;
  shared: ReturnType<typeof shared>;
};

beforeAll(async () => {
  environment = await startEnvironment({ worker: { workflowsPath } });
  scenarios = {
    killed: killed(),
    terminated: terminated(),
    halfOpen: halfOpen(),
    halfOpenTokens: halfOpenTokens(),
    temporalAway: temporalAway(),
    shared: shared(),
  };
  for (const scenario of Object.values(scenarios)) scenario.catch(() => undefined);
}, 60_000);
afterAll(async () => {
  for (const end of ends.reverse()) await end();
  await environment.stop();
});

const options = ({ address }: { address: string }): CloudOptions => ({ endpoint: address, plaintext: true });
const callsOf = (cloud: FakeCloud, id: string): FakeCloud['calls'] =>
  cloud.calls.filter(({ operationId }) => operationId === id);

/** The cloud of one scenario, whose operations run until the test ends them. */
class Scene {
  #now = 1;

  /** The cloud, and when its operations were polled, in real time. */
  async startCloud(): Promise<{ cloud: FakeCloud; polledAt: number[] }> {
    const polledAt: number[] = [];
    const cloud = await FakeCloud.start({ now: () => this.#now });
    cloud.intercept(() => {
      polledAt.push(Date.now());
      return undefined;
    });
    ends.push(() => cloud.close());
    return { cloud, polledAt };
  }

  begin(cloud: FakeCloud): string {
    return cloud.operation({ after: 1, response: EMPTY });
  }

  end(): void {
    this.#now = 2;
  }
}

async function startProcess(given: WorkerProcessOptions): Promise<WorkerProcess> {
  const worker = await startWorkerProcess(given);
  ends.push(() => worker.kill('SIGKILL'));
  return worker;
}

function startWait(operationId: string, taskQueue?: string): Promise<WorkflowHandle> {
  const { client, workflow } = environment;
  const input = { cloud: CLOUD, operationId, ...(taskQueue === undefined ? {} : { taskQueue }) };
  return client.workflow.start(awaitOperation, { ...workflow(), args: [input] });
}

/**
 * An operation that one worker process watches, while another worker of the task queue is ready. `second` is the
 * second worker's way to the cloud, by which it connects when it polls.
 */
async function watchedByFirst(
  scene: Scene,
  given: Partial<WorkerProcessOptions>,
  prepare: (taskQueue: string) => Promise<void> = () => Promise.resolve(),
): Promise<{ wait: WorkflowHandle; worker: WorkerProcess; second: Relay }> {
  const taskQueue = environment.workflow().workflowId;
  const { cloud, polledAt } = await scene.startCloud();
  const worker = await startProcess({ taskQueue, clouds: { [CLOUD]: options(cloud) }, ...given });
  await prepare(taskQueue);
  const wait = await startWait(scene.begin(cloud), taskQueue);
  await until(() => polledAt.length > 0);
  const second = await relay(cloud.address);
  ends.push(() => second.close());
  await startProcess({ taskQueue, clouds: { [CLOUD]: options(second) } });
  if (second.connections() > 0) throw new Error('The second worker connects before it polls');
  return { wait, worker, second };
}

async function killed(): Promise<{ resumedAfterMs: number; events: number }> {
  const scene = new Scene();
  const { wait, worker, second } = await watchedByFirst(scene, {});
  await worker.kill('SIGKILL');
  const killedAt = Date.now();
  await until(() => second.connections() > 0);
  const resumedAfterMs = Date.now() - killedAt;
  scene.end();
  await wait.result();
  return { resumedAfterMs, events: await eventsBesideTasks(wait) };
}

async function terminated(): Promise<{ resumedAfterMs: number; hadEnded: boolean }> {
  const { client, workflow } = environment;
  const draining = { activitiesPath: require.resolve('./activities'), shutdownGraceTime: 60_000 };
  const { wait, worker, second } = await watchedByFirst(new Scene(), draining, async (taskQueue) => {
    const other = await client.workflow.start(lingering, { ...workflow(), args: [taskQueue] });
    // Its attempt is visible only after the worker has reported it.
    const isRunning = async (): Promise<boolean> => (await other.describe()).raw.pendingActivities?.[0]?.attempt === 1;
    await until(isRunning);
  });
  const terminatedAt = Date.now();
  let hadEnded = false;
  void worker.kill('SIGTERM').then(() => (hadEnded = true));
  await until(() => second.connections() > 0);
  const result = { resumedAfterMs: Date.now() - terminatedAt, hadEnded };
  await wait.terminate();
  return result;
}

/** A worker in this process whose cloud or Temporal server is behind a relay. */
async function startWorker(taskQueue: string, cloud: CloudOptions, temporal?: string): Promise<void> {
  const connection =
    temporal === undefined ? environment.connection : await NativeConnection.connect({ address: temporal });
  const plugins = [new OperationsPlugin({ clouds: { [CLOUD]: { credentials: CREDENTIALS, ...cloud } } })];
  ends.push(await runWorker({ connection, taskQueue, plugins }));
  if (temporal !== undefined) ends.splice(-1, 0, () => connection.close());
}

async function halfOpen(): Promise<{ silentMs: number; connections: number }> {
  const scene = new Scene();
  const { cloud, polledAt } = await scene.startCloud();
  const network = await relay(cloud.address);
  ends.push(() => network.close());
  const taskQueue = environment.workflow().workflowId;
  await startWorker(taskQueue, options(network));
  const wait = await startWait(scene.begin(cloud), taskQueue);
  await until(() => polledAt.length > 0);
  network.stallOpen();
  const polls = polledAt.length;
  const stalledAt = Date.now();
  await until(() => polledAt.length > polls);
  scene.end();
  await wait.result();
  return { silentMs: (polledAt[polls] ?? Infinity) - stalledAt, connections: network.connections() };
}

async function halfOpenTokens(): Promise<{ silentMs: number; connections: number }> {
  const key = authorizedKey();
  const cloud = await GuardedCloud.start(key.publicKey);
  ends.push(() => cloud.close());
  cloud.tokenLifeMs = 3_000;
  const network = await relay(cloud.address);
  ends.push(() => network.close());
  const taskQueue = environment.workflow().workflowId;
  const credentials = serviceAccountKey(key.file, { iamEndpoint: network.address, plaintext: true });
  await startWorker(taskQueue, { ...options(cloud), credentials });
  const wait = await startWait('running', taskQueue);
  await until(() => cloud.callsOf('Get').length > 0);
  network.stallOpen();
  const exchanges = cloud.callsOf('Create').length;
  const stalledAt = Date.now();
  await until(() => cloud.callsOf('Create').length > exchanges);
  const silentMs = Date.now() - stalledAt;
  cloud.operation = (id) => ({ id, done: true, response: { type_url: 'x/google.protobuf.Empty' } });
  await wait.result();
  return { silentMs, connections: network.connections() };
}

async function temporalAway(): Promise<{ attempt: number; reportedAfterMs: number }> {
  const scene = new Scene();
  const { cloud, polledAt } = await scene.startCloud();
  const network = await relay(process.env.TEMPORAL_ADDRESS ?? '');
  ends.push(() => network.close());
  const taskQueue = environment.workflow().workflowId;
  await startWorker(taskQueue, options(cloud), network.address);
  const wait = await startWait(scene.begin(cloud), taskQueue);
  await until(() => polledAt.length > 0);
  network.cut(true);
  const polls = polledAt.length;
  await until(() => polledAt.length > polls + 2);
  scene.end();
  await until(() => polledAt.length > polls + 3);
  network.cut(false);
  const backAt = Date.now();
  await wait.result();
  const { events } = await wait.fetchHistory();
  const attempts = events?.map((event) => event.activityTaskStartedEventAttributes?.attempt ?? 0) ?? [];
  return { attempt: Math.max(...attempts), reportedAfterMs: Date.now() - backAt };
}

/**
 * Two operations of that length, one of them with a hundred waits. They outlast a lease, so each wait is given back
 * once.
 */
async function shared(): Promise<{ polls: number; pollsOfOne: number; longest: number }> {
  const { cloud } = environment;
  const many = cloud.operation({ after: '40 s', response: EMPTY });
  const one = cloud.operation({ after: '40 s', response: EMPTY });
  const waits = await Promise.all([one, ...Array.from({ length: 100 }, () => many)].map((id) => startWait(id)));
  await Promise.all(waits.map((wait) => wait.result()));
  const lengths = await Promise.all(waits.map(eventsBesideTasks));
  return {
    polls: callsOf(cloud, many).length,
    pollsOfOne: callsOf(cloud, one).length,
    longest: Math.max(...lengths),
  };
}

test('a worker that shuts down gives its leases back: another one continues within 2 s, while the first still drains', async () => {
  const { resumedAfterMs, hadEnded } = await scenarios.terminated;
  expect(resumedAfterMs).toBeLessThanOrEqual(2_000);
  expect(hadEnded).toBe(false);
});

test('a watch continues during an outage of the Temporal server, and reports its result afterwards', async () => {
  const { attempt, reportedAfterMs } = await scenarios.temporalAway;
  expect(attempt).toBe(1);
  // Before the lease expires.
  expect(reportedAfterMs).toBeLessThan(25_000);
});

test('a connection that swallows everything is replaced within 60 s, and the wait continues', async () => {
  const { silentMs, connections } = await scenarios.halfOpen;
  expect(silentMs).toBeLessThanOrEqual(60_000);
  expect(connections).toBe(2);
});

test('a connection to the token service that swallows everything is replaced as well, and the wait continues with a new token', async () => {
  const { silentMs, connections } = await scenarios.halfOpenTokens;
  expect(silentMs).toBeLessThanOrEqual(60_000);
  expect(connections).toBe(2);
});

test('a watched wait whose worker is killed continues elsewhere within 40 s, without an additional event', async () => {
  const { resumedAfterMs, events } = await scenarios.killed;
  expect(resumedAfterMs).toBeLessThanOrEqual(40_000);
  expect(events).toBe(5);
});

test('a hundred workflows on one operation poll it at most 1.2 times as often as one does', async () => {
  const { polls, pollsOfOne, longest } = await scenarios.shared;
  expect(polls).toBeLessThanOrEqual(1.2 * pollsOfOne);
  expect(longest).toBe(5);
});
