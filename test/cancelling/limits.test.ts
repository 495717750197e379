import type { WorkflowHandle } from '@temporalio/client';
import { OperationsPlugin, type CloudOptions } from 'temporal-lro';
import type { OperationScript } from '../../src/testing/script';
import { CLOUD, pluginOf, runWorker } from '../support/environment';
import { CREDENTIALS } from '../support/left-behind';
import { until } from '../support/until';
import { startWorkerProcess } from '../support/worker-process';
import { cancels, eventsOf, startScene, type Scene } from './scene';
import * as workflows from './workflows';

const LONG: OperationScript = { after: '1 h', response: { '@type': 'google.protobuf.Empty' } };

let scene: Scene;
beforeAll(async () => (scene = await startScene()));
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(() => scene.stop());

/** Runs a worker for the activities of a new task queue, whose cloud has these limits. Returns the task queue. */
async function runActivities(queue: string, limits: Partial<CloudOptions>): Promise<string> {
  const { cloud, connection, taskQueue } = scene;
  const options: CloudOptions = { endpoint: cloud.address, plaintext: true, credentials: CREDENTIALS, ...limits };
  const plugins = [new OperationsPlugin({ clouds: { [CLOUD]: options } })];
  const own = `${taskQueue}-${queue}`;
  ends.push(await runWorker({ connection, taskQueue: own, plugins }));
  return own;
}

async function startWait(
  id: string,
  queue: string,
  ...rest: [options?: Parameters<typeof workflows.waitElsewhere>[2]]
): Promise<WorkflowHandle> {
  const args: Parameters<typeof workflows.waitElsewhere> = [id, queue, ...rest];
  const handle = await scene.client.workflow.start(workflows.waitElsewhere, { ...scene.workflow(), args });
  ends.push(() => handle.terminate().catch(() => undefined));
  return handle;
}

function got(handle: WorkflowHandle): Promise<workflows.Told> {
  return workflows.told(
    handle.result().catch((err: { cause: unknown }) => {
      throw err.cause;
    }),
  );
}

/** The calls for an operation since `from`, each with its index among all calls since then. */
function callsOf(id: string, from: number): { place: number; verb: string; at: number }[] {
  return scene.cloud.calls
    .slice(from)
    .flatMap(({ method, operationId, at }, place) =>
      operationId === id ? [{ place, verb: method.split('/').at(-1) ?? '', at }] : [],
    );
}

const SPACING_MS = 1_500;

test('Cancel follows its poll at once and overtakes polls that wait for their turn, however low the limit', async () => {
  const queue = await runActivities('slow', { maxRequestsPerSecond: 1000 / SPACING_MS });
  const id = scene.cloud.operation(LONG);
  const wait = await startWait(id, queue);
  await scene.polled(id);
  const others = Array.from({ length: 20 }, () => scene.cloud.operation(LONG));
  await Promise.all(others.map((other) => startWait(other, queue)));
  await until(() => others.some((other) => callsOf(other, 0).length > 0));
  const from = scene.cloud.calls.length;
  await wait.cancel();
  expect((await got(wait)).gets).toBe('`CancelledFailure`');
  const [get, cancel] = callsOf(id, from);
  expect([get?.verb, cancel?.verb]).toEqual(['Get', 'Cancel']);
  // One poll may take its turn before the cancellation asks for its own.
  expect(get?.place).toBeLessThanOrEqual(1);
  expect(cancel?.place).toBe((get?.place ?? NaN) + 1);
});

test('a turn that comes after the attempt has ended sends nothing', async () => {
  const HANG_MS = 5_000;
  const queue = await runActivities('narrow', { maxConcurrentRequests: 1 });
  const id = scene.cloud.operation(LONG);
  const wait = await startWait(id, queue, { cancelTimeout: '2 s' });
  await until(async () => (await eventsOf(wait)).some(({ eventType }) => eventType === 'TIMER_STARTED'));
  const hanging = scene.cloud.operation({ ...LONG, faults: [{ on: 'Get', calls: 1, hang: HANG_MS }] });
  await startWait(hanging, queue);
  await scene.polled(hanging);
  const from = scene.cloud.calls.length;
  await wait.cancel();
  const { gets, message } = await got(wait);
  expect(gets).toBe('`OperationStillRunning`');
  expect(message).toMatch(/is still running.*could not be asked to cancel it \(.*maxConcurrentRequests/);
  // The last poll has taken its turn, which comes after the turn of the cancellation.
  expect(callsOf(id, from).length).toBeGreaterThan(0);
  expect(cancels(scene.cloud, id)).toBe(0);
});

test('a worker that was stopped between poll and Cancel sends no Cancel after another worker has seen the end', async () => {
  const { client, cloud, connection, taskQueue, workflow } = scene;
  const activities = `${taskQueue}-stopped`;
  const clouds = { [CLOUD]: { endpoint: cloud.address, plaintext: true } };
  // With more activity slots the stopped worker would be given more attempts, and each would have to time out.
  const maxConcurrentActivityTaskExecutions = 1;
  const stopped = await startWorkerProcess({ taskQueue: activities, clouds, maxConcurrentActivityTaskExecutions });
  ends.push(() => stopped.kill('SIGKILL'));
  const id = cloud.operation({ ...LONG, after: '4 s' });
  // The reply waits in the worker's socket while the worker is stopped.
  cloud.intercept(({ operationId, count }) => (operationId === id && count === 2 ? { hang: 1_000 } : undefined));
  const wait = await startWait(id, activities);
  await until(async () => (await eventsOf(wait)).some(({ eventType }) => eventType === 'TIMER_STARTED'));
  await wait.cancel();
  await scene.polled(id, 2);
  process.kill(stopped.pid, 'SIGSTOP');
  const stop = await runWorker({ connection, taskQueue: activities, plugins: [pluginOf(cloud)] });
  expect((await got(wait)).gets).toBe('the response');
  await stop();
  process.kill(stopped.pid, 'SIGCONT');
  // By this call the worker has done everything that it had to do before.
  const next = cloud.operation({ response: LONG.response });
  const args: Parameters<typeof workflows.waitElsewhere> = [next, activities];
  await client.workflow.execute(workflows.waitElsewhere, { ...workflow(), args });
  expect(cancels(cloud, id)).toBe(0);
});
