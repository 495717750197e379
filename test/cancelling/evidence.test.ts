import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { operationFailure, OperationsPlugin, type OperationFailure } from 'temporal-lro';
import type { WaitOptions } from 'temporal-lro/workflow';
import { method } from '../../src/apis/envelope';
import type { FaultEffect, OperationScript } from '../../src/testing/script';
import { CLOUD, pluginOf, runWorker } from '../support/environment';
import { until } from '../support/until';
import { cancels, eventsOf, startScene, type Scene } from './scene';
import * as workflows from './workflows';

const METADATA = { '@type': 'fakecloud.v1.CreateClusterMetadata', clusterId: 'cluster-1' };
const LONG: OperationScript = { after: '1 h', metadata: METADATA, response: { '@type': 'google.protobuf.Empty' } };
const DETAIL = { '@type': 'google.rpc.ErrorInfo', reason: 'ROLE_REVOKED', domain: 'iam', metadata: {} };
const NOBODY_IN_DOUBT = { poll: { initialInterval: '5 s' } } as const;

let scene: Scene;
/** Makes chosen Get or Cancel calls for an operation fail, by the number of the call, counted from 1. */
type Spoils = (verb: string, count: number) => FaultEffect | undefined;
const spoilt = new Map<string, Spoils>();

beforeAll(async () => {
  scene = await startScene();
  scene.cloud.intercept(({ method, operationId = '', count }) =>
    spoilt.get(operationId)?.(method.split('/').at(-1) ?? '', count),
  );
  for (const begin of scenarios) begin();
});
afterAll(() => scene.stop());

/** The scenarios are idle most of the time, so they run at once; each test awaits its own. */
const scenarios: (() => void)[] = [];

function scenario(name: string, play: () => Promise<void>): void {
  let played: Promise<void> | undefined;
  scenarios.push(() => {
    played = play();
    played.catch(() => undefined);
  });
  test(name, async () => played);
}

function operation(script: OperationScript, spoils?: Spoils): string {
  const id = scene.cloud.operation(script);
  if (spoils) spoilt.set(id, spoils);
  return id;
}

/** Resolves when the workflow knows the operation. */
async function startKnown(id: string, options: WaitOptions = {}): Promise<WorkflowHandle> {
  const args: Parameters<typeof workflows.wait> = [id, { ...NOBODY_IN_DOUBT, ...options }];
  const handle = await scene.client.workflow.start(workflows.wait, { ...scene.workflow(), args });
  await until(async () => (await types(handle)).includes('TIMER_STARTED'));
  return handle;
}

async function types(handle: WorkflowHandle): Promise<string[]> {
  return (await eventsOf(handle)).map(({ eventType }) => eventType);
}

/** How the workflow ended, as its client sees it. */
async function ended(handle: WorkflowHandle): Promise<workflows.Told & { failure?: OperationFailure | undefined }> {
  try {
    await handle.result();
    return { gets: 'the response' };
  } catch (err) {
    const cause = err instanceof WorkflowFailedError ? err.cause : err;
    return { ...workflows.toldOf(cause), failure: operationFailure(cause) };
  }
}

const CODES = [3, 5, 7, 9, 12, 16];

scenario(
  'refused polls and NOT_FOUND do not end the cancellation of an operation that the workflow has seen',
  async () => {
    const waits = CODES.map(async (code) => {
      const id = operation(LONG, (verb, count) => (verb === 'Get' && count > 1 && count < 4 ? { code } : undefined));
      const handle = await startKnown(id);
      await handle.cancel();
      return { code, gets: (await ended(handle)).gets, cancels: cancels(scene.cloud, id) };
    });
    expect(await Promise.all(waits)).toEqual(CODES.map((code) => ({ code, gets: '`CancelledFailure`', cancels: 1 })));
  },
);

scenario(
  'refused polls and NOT_FOUND do not end the cancellation of an operation that only the watching worker has seen',
  async () => {
    const waits = CODES.map(async (code) => {
      // The faults begin with the cancellation and last two attempts.
      let isCancelled = false;
      let refusals = 0;
      const id = operation(LONG, (verb) => (verb === 'Get' && isCancelled && refusals++ < 2 ? { code } : undefined));
      const args: Parameters<typeof workflows.wait> = [id];
      const handle = await scene.client.workflow.start(workflows.wait, { ...scene.workflow(), args });
      await scene.polled(id, 2);
      // The watch would also receive the reply of a poll that is in flight.
      await scene.polled(id, 2);
      isCancelled = true;
      await handle.cancel();
      return { code, gets: (await ended(handle)).gets };
    });
    expect(await Promise.all(waits)).toEqual(CODES.map((code) => ({ code, gets: '`CancelledFailure`' })));
  },
);

scenario(
  'refused polls and NOT_FOUND do not end the cancellation of an operation that the workflow has started',
  async () => {
    scene.cloud.on('/fakecloud.v1.ClusterService/Create').reply(() => ({
      ...LONG,
      faults: [{ on: 'Get', calls: 2, code: 7 }],
    }));
    const args: Parameters<typeof workflows.cancelStarted> = ['prod'];
    expect(await scene.client.workflow.execute(workflows.cancelStarted, { ...scene.workflow(), args })).toBe(
      'cancelled',
    );
  },
);

scenario('a refused poll of an operation that was never seen ends its cancellation at once', async () => {
  const id = operation(LONG, () => ({ code: 7, message: 'no role', details: [DETAIL] }));
  const args: Parameters<typeof workflows.cancelById> = [id, '1 h'];
  const handle = await scene.client.workflow.start(workflows.cancelById, { ...scene.workflow(), args });
  expect(await ended(handle)).toMatchObject({
    gets: '`OperationServiceError`',
    failure: { codeName: 'PERMISSION_DENIED' },
  });
  expect(cancels(scene.cloud, id)).toBe(0);
});

scenario('when Cancel is refused until time runs out, the failure holds the refusal and its details', async () => {
  const refuses = { code: 7, message: 'role revoked', details: [DETAIL] };
  const handle = await startKnown(operation({ ...LONG, onCancel: { refuses } }), { cancelTimeout: '10 s' });
  await handle.cancel();
  const { gets, message, failure } = await ended(handle);
  expect(gets).toBe('`OperationStillRunning`');
  expect(message).toMatch(
    /is still running, 0 %: the cloud refused to cancel it \(PERMISSION_DENIED: role revoked\), and it did not end within 10 s$/,
  );
  expect(failure?.details).toMatchObject([{ reason: 'ROLE_REVOKED' }]);
  expect(failure?.operation).toMatchObject({ state: 'running', metadata: { clusterId: 'cluster-1' } });
});

scenario('when the worker goes away before it repeats Cancel, the failure also holds the refusal', async () => {
  const { client, cloud, connection, taskQueue, workflow } = scene;
  const worker = { connection, taskQueue: `${taskQueue}-going`, plugins: [pluginOf(cloud)] };
  const stop = await runWorker(worker);
  const refuses = { code: 7, message: 'role revoked', details: [DETAIL] };
  const id = operation({ ...LONG, onCancel: { refuses } });
  const args: Parameters<typeof workflows.waitElsewhere> = [id, worker.taskQueue, { cancelTimeout: '10 s' }];
  const handle = await client.workflow.start(workflows.waitElsewhere, { ...workflow(), args });
  await until(async () => (await types(handle)).includes('TIMER_STARTED'));
  await handle.cancel();
  await until(async () => !!(await handle.describe()).raw.pendingActivities?.some(({ lastFailure }) => lastFailure));
  await stop();
  await until(async () => (await types(handle)).includes('ACTIVITY_TASK_TIMED_OUT'));
  const stopNext = await runWorker(worker);
  const { message, failure } = await ended(handle);
  await stopNext();
  expect(message).toContain('the cloud refused to cancel it (PERMISSION_DENIED: role revoked)');
  expect(failure?.details).toMatchObject([{ reason: 'ROLE_REVOKED' }]);
});

scenario('the end of an operation is seen while Cancel is being refused, long before time runs out', async () => {
  const handle = await startKnown(operation({ ...LONG, after: 8_000, onCancel: { refuses: { code: 7 } } }), {
    cancelTimeout: '1 h',
  });
  await handle.cancel();
  expect((await ended(handle)).gets).toBe('the response');
});

scenario('polls that are refused after the cancellation do not replace its failure', async () => {
  let isCancelled = false;
  const spoils: Spoils = (verb) => {
    isCancelled ||= verb === 'Cancel';
    return isCancelled && verb === 'Get' ? { code: 7, message: 'role revoked' } : undefined;
  };
  const handle = await startKnown(operation({ ...LONG, onCancel: 'ignores' }, spoils), { cancelTimeout: '10 s' });
  await handle.cancel();
  const { gets, message, failure } = await ended(handle);
  expect(gets).toBe('`OperationStillRunning`');
  expect(message).toMatch(
    /was running, 0 % at \S+Z: the cloud has not confirmed that it is cancelled, and a last poll failed \(.*PERMISSION_DENIED: role revoked.*\), and its end was not seen within 10 s$/,
  );
  expect(failure?.operation).toMatchObject({ state: 'running', metadata: { clusterId: 'cluster-1' } });
});

scenario('a caller that cancels an operation is told when its final state cannot be read', async () => {
  let isCancelled = false;
  const id = operation({ ...LONG, onCancel: 'ignores' }, (verb) => {
    isCancelled ||= verb === 'Cancel';
    const body = method('Get').responseSerialize({ id, done: true }).toString('base64');
    return isCancelled && verb === 'Get' ? { body } : undefined;
  });
  const handle = await startKnown(id, { cancelTimeout: '30 s' });
  await handle.cancel();
  expect(await ended(handle)).toMatchObject({ gets: '`OperationUnreadable`' });
});

for (const [who, initialInterval, seen] of [
  ['the workflow has seen', '5 s', 'was running'],
  ['a former worker has watched', '1 s', 'was never seen'],
] as const) {
  scenario(
    `an operation that ${who} is reported as still running by a worker that no longer has its cloud`,
    async () => {
      const { client, cloud, connection, taskQueue, workflow } = scene;
      const activities = `${taskQueue}-${seen.replaceAll(' ', '-')}`;
      const working = { connection, taskQueue: activities, plugins: [pluginOf(cloud)] };
      let stop = await runWorker(working);
      const id = operation(LONG);
      const options: WaitOptions = { poll: { initialInterval }, cancelTimeout: '10 s' };
      const args: Parameters<typeof workflows.waitElsewhere> = [id, activities, options];
      const handle = await client.workflow.start(workflows.waitElsewhere, { ...workflow(), args });
      await scene.polled(id);
      if (seen === 'was running') await until(async () => (await types(handle)).includes('TIMER_STARTED'));
      await stop();
      const other = { endpoint: cloud.address, plaintext: true };
      stop = await runWorker({ ...working, plugins: [new OperationsPlugin({ clouds: { other } })] });
      await handle.cancel();
      const { gets, message, failure } = await ended(handle);
      await stop();
      expect(gets).toBe('`OperationStillRunning`');
      expect(message).toContain(seen);
      expect(message).toContain(`cloud is "${CLOUD}", but this worker configures other`);
      const isSeen = seen === 'was running';
      expect(failure?.operation).toEqual(isSeen ? expect.objectContaining({ state: 'running' }) : undefined);
    },
  );
}

scenario('a caller that cancels by ID is told at once that no worker is likely to have the cloud', async () => {
  const { client, connection, cloud, taskQueue } = scene;
  const queue = `${taskQueue}-unconfigured`;
  const other = { endpoint: cloud.address, plaintext: true };
  const stop = await runWorker({
    connection,
    taskQueue: queue,
    workflowsPath: require.resolve('./workflows'),
    plugins: [new OperationsPlugin({ clouds: { other } })],
  });
  const args: Parameters<typeof workflows.cancelById> = ['some-id', '1 h'];
  const handle = await client.workflow.start(workflows.cancelById, { ...scene.workflow(), taskQueue: queue, args });
  expect((await ended(handle)).gets).toBe('`OperationConfigurationError`');
  await stop();
});
