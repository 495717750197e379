import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { operationFailure, OperationsPlugin, type CloudOptions } from 'temporal-lro';
import type { FaultEffect } from 'temporal-lro/testing';
import { createActivities } from '../activities';
import { Cloud } from '../src/cloud/cloud';
import { CredentialsError } from '../src/credentials/credentials';
import { PROTO_DIRECTORY } from './support/proto';
import { cluster, CREATE, errorOf, startStarts, type StartEnvironment } from './start/environment';
import { execute, messageOf } from './start/workflows';
import { CLOUD, runWorker } from './support/environment';
import { until } from './support/until';

const descriptors = [join(PROTO_DIRECTORY, 'fakecloud.binpb')];
const LONG = { after: '1 h' } as const;
const KEY = /a start with idempotencyKey [0-9a-f-]{36} finds it/;
/** Longer than the heartbeat timeout: a cancelled activity learns of its cancellation long before. */
const LATE: FaultEffect = { hang: '7 s' };

let environment: StartEnvironment;
/** The faults of the next calls. */
let effects: FaultEffect[] = [];
beforeAll(async () => {
  environment = await startStarts();
  environment.cloud.intercept(({ method }) => (method === CREATE ? effects.shift() : undefined));
});
afterAll(() => environment.stop());

/** The number of start calls that the cloud received. */
const calls = (): number => environment.cloud.calls.filter(({ method }) => method === CREATE).length;

/** Runs `work` with a task queue whose worker has a cloud with these options. */
async function withWorker<T>(options: CloudOptions, taskQueue: string, work: () => Promise<T>): Promise<T> {
  const given = 'discovery' in options ? options : { endpoint: environment.cloud.address, ...options };
  const plugins = [new OperationsPlugin({ clouds: { [CLOUD]: { plaintext: true, descriptors, ...given } } })];
  const stop = await runWorker({ connection: environment.connection, taskQueue, plugins });
  try {
    return await work();
  } finally {
    await stop();
  }
}

describe('a call in flight', () => {
  const length = 3;

  test('is awaited and not sent again when its activity is cancelled, paused or reset', async () => {
    effects = Array.from({ length }, () => LATE);
    const before = calls();
    const [cancelled, paused, reset] = await Promise.all(
      ['cancelled', 'paused', 'reset'].map((name) => {
        environment.replies.of(name, () => ({ ...(name === 'cancelled' && LONG), response: cluster(name) }));
        return environment.start(name);
      }),
    );
    if (!cancelled || !paused || !reset) throw new Error('There are three');
    await until(() => calls() - before >= length);
    const { workflowService } = environment.client;
    const activity = ({ workflowId }: WorkflowHandle) => ({ namespace: 'default', execution: { workflowId }, id: '1' });
    const cancels = await environment.cancelledIn(async () => {
      await cancelled.cancel();
      await workflowService.pauseActivity(activity(paused));
      await workflowService.resetActivity(activity(reset));
      await expect(cancelled.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      expect(await paused.result()).toMatchObject({ name: 'paused' });
      expect(await reset.result()).toMatchObject({ name: 'reset' });
    });
    expect(cancels).toHaveLength(1);
    expect(calls() - before).toBe(length);
  });

  test('is ended when its worker stops, and repeated by another worker with the same key', async () => {
    effects = [{ hang: '1 h' }];
    const before = calls();
    const taskQueue = environment.workflow().workflowId;
    const handle = await withWorker({ requestTimeout: '30 s' }, taskQueue, async () => {
      const started = await environment.start('stopped', {}, { taskQueue });
      await until(() => calls() - before >= 1);
      return started;
    });
    const result = await withWorker({}, taskQueue, () => handle.result());
    expect(result).toMatchObject({ name: 'stopped' });
    const { events } = await handle.fetchHistory();
    const failures = (events ?? []).flatMap((event) => event.activityTaskFailedEventAttributes?.failure?.message ?? []);
    expect(failures).toEqual([expect.stringContaining('the call was aborted before it was answered') as string]);
    expect(calls() - before).toBe(2);
    expect(environment.replies.startedOf('stopped')).toBe(1);
  });

  test('is ended shortly before its attempt times out', async () => {
    effects = [{ hang: '1 h' }];
    const { address } = environment.cloud;
    const cloud = new Cloud(CLOUD, { endpoint: address, plaintext: true, descriptors, requestTimeout: '30 s' });
    const { activities } = createActivities(new Map([[CLOUD, cloud]]));
    const attempt = new MockActivityEnvironment({ startToCloseTimeoutMs: 1_000 });
    const input = { cloud: CLOUD, method: CREATE, request: { name: 'over' }, idempotencyKey: 'over', typed: false };
    const ended: unknown = await attempt.run(() => activities['operation.start'](input)).catch((err: unknown) => err);
    cloud.close();
    expect(ended).toMatchObject({
      type: 'OperationStartUnknown',
      message: expect.stringMatching(/CANCELLED: the call was aborted before it was answered/) as string,
    });
  });
});

/** Whether an attempt of the activity was running when its time was over, as on a slow machine. */
async function timedOutRunning(handle: WorkflowHandle): Promise<boolean> {
  const { events = [] } = await handle.fetchHistory();
  const timeOut = events?.find(({ activityTaskTimedOutEventAttributes: timedOut }) => timedOut);
  return Boolean(timeOut?.activityTaskTimedOutEventAttributes?.startedEventId?.gt(0));
}

describe('a start that cannot be sent', () => {
  const down = () => Promise.reject(new Error('the token service is down'));
  const silent = () => new Promise<never>(() => undefined);
  const outages: [string, CloudOptions][] = [
    ['the token service is down', { credentials: { getToken: down } }],
    ['the token service is silent', { credentials: { getToken: silent } }],
    ['discovery is down', { discovery: '127.0.0.1:1' }],
  ];

  test.each(outages)('has begun nothing when it is cancelled: %s', async (name, options) => {
    const before = calls();
    const taskQueue = environment.workflow().workflowId;
    const message = await withWorker(options, taskQueue, async () => {
      const handle = await environment.client.workflow.start(messageOf, {
        ...environment.workflow(),
        args: [CREATE, { name }, {}, { taskQueue }],
      });
      await until(async () => {
        const { raw } = await handle.describe();
        return Boolean(raw.pendingActivities?.[0]?.lastStartedTime);
      });
      await handle.cancel();
      return handle.result();
    });
    expect(message).toBe(`Start of ${CLOUD} ClusterService/Create cancelled; nothing was begun`);
    expect(calls()).toBe(before);
  });

  test.each(outages)('is retried, and its final failure is retryable: %s', async (name, options) => {
    const before = calls();
    const taskQueue = environment.workflow().workflowId;
    const [error, wasRunning] = await withWorker(options, taskQueue, async () => {
      const handle = await environment.start(name, { startTimeout: '3 s' }, { taskQueue });
      return [await errorOf(handle.result()), await timedOutRunning(handle)] as const;
    });
    expect(operationFailure(error)).toMatchObject({ type: 'OperationServiceError' });
    // Of an attempt that ran when the time was over, nobody knows what it did.
    expect(KEY.test(operationFailure(error)?.message ?? '')).toBe(wasRunning);
    expect(error.cause).toMatchObject({ nonRetryable: wasRunning });
    expect(calls()).toBe(before);
  });

  test('because the key of its credentials is refused fails at once', async () => {
    const refuse = () => Promise.reject(new CredentialsError('the key was deleted'));
    const taskQueue = environment.workflow().workflowId;
    const error = await withWorker({ credentials: { getToken: refuse } }, taskQueue, async () =>
      errorOf((await environment.start('refused key', {}, { taskQueue })).result()),
    );
    expect(operationFailure(error)).toMatchObject({ codeName: 'UNAUTHENTICATED' });
    expect(operationFailure(error)?.message).not.toMatch(KEY);
    expect(error.cause).toMatchObject({ nonRetryable: true });
  });

  test.each<[string, CloudOptions | undefined]>([
    ['the token service is down', { credentials: { getToken: down } }],
    ['discovery is unimplemented', undefined],
  ])('does not rule out that an earlier attempt has begun the operation: %s', async (name, given) => {
    effects = [{ lostReply: true }, { hang: '1 h' }];
    const before = calls();
    const taskQueue = environment.workflow().workflowId;
    const handle = await withWorker({}, taskQueue, async () => {
      const started = await environment.client.workflow.start(execute, {
        ...environment.workflow(),
        args: [CREATE, { name }, { startTimeout: '8 s' }, { taskQueue }],
      });
      await until(() => calls() - before >= 2);
      return started;
    });
    // The cloud serves no ApiEndpointService.
    const options = given ?? { discovery: environment.cloud.address };
    const error = await withWorker(options, taskQueue, () => errorOf(handle.result()));
    expect(operationFailure(error)?.message).toMatch(KEY);
    expect(error.cause).toMatchObject({ nonRetryable: true });
    expect(calls() - before).toBe(2);
  });
});
