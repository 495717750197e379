import type { WorkflowHandle } from '@temporalio/client';
import type { Duration } from '@temporalio/common';
import { operationFailure, pollOperation } from 'temporal-lro';
import type { WaitOptions } from 'temporal-lro/workflow';
import { CLOUD, pluginOf, runWorker, startEnvironment, type TestEnvironment } from '../support/environment';
import { until } from '../support/until';
import { awaitOperation } from './workflows';

/** Of temporal.api.enums.v1.PendingActivityState. */
const [PAUSED, PAUSE_REQUESTED] = [4, 5];

let environment: TestEnvironment;
let stop: () => Promise<void>;
beforeAll(async () => {
  environment = await startEnvironment({ worker: false });
  stop = await startWorker();
});
afterAll(async () => {
  await stop();
  await environment.stop();
});

function startWorker(): Promise<() => Promise<void>> {
  const { cloud, connection, taskQueue } = environment;
  return runWorker({
    connection,
    taskQueue,
    workflowsPath: require.resolve('./workflows'),
    plugins: [pluginOf(cloud)],
  });
}

interface Wait {
  operationId: string;
  handle: WorkflowHandle<typeof awaitOperation>;
}

const response = { '@type': 'google.protobuf.Empty' };

/** Resolves when the operation has been polled. */
async function startWait(after: Duration, options: WaitOptions = {}): Promise<Wait> {
  const { client, cloud, workflow } = environment;
  const operationId = cloud.operation({ after, response });
  const args: Parameters<typeof awaitOperation> = [{ cloud: CLOUD, operationId, ...options }];
  const handle = await client.workflow.start(awaitOperation, { ...workflow(), args });
  await until(() => polls({ operationId }) > 0);
  return { operationId, handle };
}

const calls = (operationId: string, method: string): number =>
  environment.cloud.calls.filter((call) => call.operationId === operationId && call.method.endsWith(method)).length;
const polls = ({ operationId }: Pick<Wait, 'operationId'>): number => calls(operationId, '/Get');

const pending = async ({ handle }: Wait) => (await handle.describe()).raw.pendingActivities?.[0];
const stateOf = async (wait: Wait) => (await pending(wait))?.state;

function request({ handle }: Wait) {
  const execution = { workflowId: handle.workflowId };
  return { namespace: environment.client.options.namespace, execution, type: 'operation.get', identity: 'test' };
}

async function pause(wait: Wait): Promise<void> {
  await environment.client.workflowService.pauseActivity(request(wait));
}

test('a watch continues while its activity is paused, and returns the end that it sees', async () => {
  const wait = await startWait('4 s');
  await pause(wait);
  const before = polls(wait);
  await until(() => polls(wait) > before + 1);
  expect(await stateOf(wait)).toBe(PAUSE_REQUESTED);
  expect(await wait.handle.result()).toMatchObject({ '@type': expect.stringContaining('Empty') as unknown });
});

test('between the polls of a wait by timers there is no activity to pause', async () => {
  const wait = await startWait('1 h', { poll: { initialInterval: '5 min' } });
  await until(async () => (await pending(wait)) === undefined);
  await expect(pause(wait)).rejects.toThrow(/find pending activity/);
  await wait.handle.terminate();
});

describe('a wait whose lease was given back while it was paused', () => {
  let unpaused: Wait, reset: Wait, asked: Wait, cancelled: Wait, timed: Wait;
  beforeAll(async () => {
    const start = (options: WaitOptions = {}): Promise<Wait> => startWait('1 h', options);
    [unpaused, reset, asked, cancelled] = await Promise.all([start(), start(), start(), start()]);
    timed = await start({ timeout: '8 s' });
    const waits = [timed, unpaused, reset, asked, cancelled];
    await Promise.all(waits.map(pause));
    await stop();
    for (const wait of waits) expect(await stateOf(wait)).toBe(PAUSED);
    stop = await startWorker();
  });

  test('is not polled, although another worker polls waits that are not paused', async () => {
    const before = polls(unpaused);
    const other = await startWait('1 h');
    await until(() => polls(other) > 2);
    expect(polls(unpaused)).toBe(before);
    await other.handle.terminate();
  });

  test('is polled when it is unpaused', async () => {
    const before = polls(unpaused);
    await environment.client.workflowService.unpauseActivity(request(unpaused));
    await until(() => polls(unpaused) > before);
    await unpaused.handle.terminate();
  });

  test('is polled and no longer paused when it is reset', async () => {
    const before = polls(reset);
    await environment.client.workflowService.resetActivity(request(reset));
    await until(() => polls(reset) > before);
    expect(await pending(reset)).toMatchObject({ attempt: 1, paused: false });
    await reset.handle.terminate();
  });

  test('is polled once on pollOperation, and stays paused', async () => {
    const before = polls(asked);
    expect(await asked.handle.executeUpdate(pollOperation)).toMatchObject({ id: asked.operationId, state: 'running' });
    expect(polls(asked)).toBe(before + 1);
    expect(await stateOf(asked)).toBe(PAUSED);
    await asked.handle.terminate();
  });

  test('is cancelled with its operation when its workflow is', async () => {
    await cancelled.handle.cancel();
    await expect(cancelled.handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(calls(cancelled.operationId, '/Cancel')).toBe(1);
  });

  test('times out', async () => {
    const failure: unknown = await timed.handle.result().catch((err: unknown) => err);
    expect(operationFailure(failure)?.type).toBe('OperationTimedOut');
  });
});
