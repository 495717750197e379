import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { failing, inTheMeantime, Outcomes } from './support/interop-outcomes';

const GET = '/google.longrunning.Operations/GetOperation';
const CANCEL = '/google.longrunning.Operations/CancelOperation';
const CREATE_INSTANCE = '/google.cloud.redis.v1.CloudRedis/CreateInstance';
const DELETE_INSTANCE = '/google.cloud.redis.v1.CloudRedis/DeleteInstance';
const CREATE_CLUSTER = '/google.cloud.redis.cluster.v1.CloudRedisCluster/CreateCluster';
const LOCATION = 'projects/redpepper-1290/locations/us-central1';
const operation = (id: string): string => `${LOCATION}/operations/${id}`;
const service = 'google.cloud.redis.v1';

const INSTANCE = { tier: 'STANDARD_HA', memorySizeGb: 5, labels: { team: 'платформа', constructor: 'a label' } };
const instance = (instanceId: string) => ({ parent: LOCATION, instanceId, instance: INSTANCE });
const CLUSTER = { replicaCount: 1, shardCount: 3, authorizationMode: 'AUTH_MODE_IAM_AUTH' };
const cluster = (clusterId: string) => ({ parent: LOCATION, clusterId, cluster: CLUSTER });

const TIMEOUT = { timeout: '100 ms', onTimeout: 'cancel', cancelTimeout: '3 s' } as const;

let google: Outcomes;
/** NOT_FOUND of an unknown operation is final after ten seconds, and a cancellation fails after its time is over. */
const slowWaits = () =>
  inTheMeantime({
    unknown: Promise.all(
      [operation('unknown-1'), 'fcmq0j5033e516c56ctq'].map((id) => failing(google.wait(id, { service }))),
    ),
    uncancellable: google.cancelWait(operation('uncancellable-1-60000ms'), { service, cancelTimeout: '3 s' }),
    deaf: google.cancelWait(operation('deaf-1-60000ms'), { service, cancelTimeout: '3 s' }),
    timedOut: failing(google.wait(operation('uncancellable-2-60000ms'), { service, ...TIMEOUT })),
  });
let slow: ReturnType<typeof slowWaits>;
beforeAll(async () => {
  google = await Outcomes.start('google');
  slow = slowWaits();
});
afterAll(() => google.stop());

const starts = (method: string, id: string) =>
  google.received(method).filter(({ request }) => Object.values(request).includes(id));

test('CreateInstance ends with the real Instance, and Google reads every field of the request', async () => {
  const response = await google.execute(CREATE_INSTANCE, instance('ok-1-100ms'));
  expect(response).toMatchObject({
    '@type': 'type.googleapis.com/google.cloud.redis.v1.Instance',
    ...INSTANCE,
    name: `${LOCATION}/instances/ok-1-100ms`,
    state: 'READY',
    port: 6379,
    createTime: '2026-01-01T00:00:00Z',
    // Empty, and present all the same.
    displayName: '',
  });
  expect(starts(CREATE_INSTANCE, 'ok-1-100ms')).toMatchObject([
    {
      request: instance('ok-1-100ms'),
      values: {
        'x-goog-request-params': `parent=${encodeURIComponent(LOCATION)}`,
        'x-goog-user-project': 'redpepper-1290',
      },
    },
  ]);
});

test('DeleteInstance ends with Empty', async () => {
  const response = await google.execute(DELETE_INSTANCE, { name: `${LOCATION}/instances/ok-2-0ms` });
  expect(response).toEqual({ '@type': 'type.googleapis.com/google.protobuf.Empty' });
});

test('while an operation runs, its snapshot has the metadata of Google and their progress', async () => {
  const { operations } = google.interop;
  const started = await operations.start(CREATE_INSTANCE, instance('ok-3-60000ms'));
  const target = `${LOCATION}/instances/ok-3-60000ms`;
  expect(started).toMatchObject({ state: 'running', metadata: { verb: 'create', target } });
  expect(await operations.get(started.id, { service })).toMatchObject({
    id: started.id,
    state: 'running',
    metadata: {
      '@type': 'type.googleapis.com/google.cloud.redis.v1.OperationMetadata',
      verb: 'create',
      target,
      apiVersion: 'v1',
      cancelRequested: false,
    },
  });
});

test('a failure has the code, the message and the details of Google', async () => {
  const failure = await failing(google.execute(CREATE_INSTANCE, instance('fail-1-50ms')));
  expect(failure).toMatchObject({
    type: 'OperationFailed',
    code: 8,
    codeName: 'RESOURCE_EXHAUSTED',
    details: [
      { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'RESOURCE_QUOTA_EXCEEDED' },
      { '@type': 'type.googleapis.com/google.rpc.QuotaFailure' },
      { '@type': 'type.googleapis.com/google.rpc.Help' },
    ],
    operation: { state: 'failed', metadata: { verb: 'create' } },
  });
  expect(failure.message).toContain('Quota region_memory exceeded.');
});

test('a cancelled wait cancels the operation', async () => {
  const id = operation('ok-cancel-60000ms');
  expect(await google.cancelWait(id, { service })).toBe('cancelled');
  expect(google.received(CANCEL).filter(({ request }) => request.name === id)).toMatchObject([
    { values: { 'x-goog-request-params': `name=${encodeURIComponent(id)}` } },
  ]);
});

test.each([
  ['does not implement Cancel', 'uncancellable', 'the cloud refused to cancel it'],
  ['accepts Cancel and goes on', 'deaf', 'the cloud has not confirmed that it is cancelled'],
] as const)('if the service %s, a cancelled wait ends with OperationStillRunning', async (_, behaviour, message) => {
  const operationId = operation(`${behaviour}-1-60000ms`);
  const failure = await slow[behaviour];
  expect(failure).toMatchObject({ type: 'OperationStillRunning', operationId, operation: { state: 'running' } });
  expect(failure).toHaveProperty('message', expect.stringContaining(message));
});

test('a timeout says what became of the operation', async () => {
  const [left, cancelled, unsupported] = await Promise.all([
    failing(google.wait(operation('ok-4-60000ms'), { service, timeout: '100 ms' })),
    failing(google.wait(operation('ok-5-60000ms'), { service, timeout: '100 ms', onTimeout: 'cancel' })),
    slow.timedOut,
  ]);
  expect(left.type).toBe('OperationTimedOut');
  expect(left.message).toContain('it goes on in the cloud');
  expect(cancelled).toMatchObject({ type: 'OperationTimedOut', operation: { state: 'failed', error: { code: 1 } } });
  expect(unsupported.type).toBe('OperationTimedOut');
  expect(unsupported.message).toContain('the cloud refused to cancel it');
});

test('what is done without a result, or with one of another type, is OperationUnreadable', async () => {
  const method = CREATE_INSTANCE;
  const failures = await Promise.all([
    failing(google.wait(operation('neither-1-0ms'), { service })),
    failing(google.wait(operation('mistyped-1-0ms'), { method })),
    failing(google.wait(operation('alien-1-0ms'), { method })),
  ]);
  expect(failures.map(({ type }) => type)).toEqual(Array(3).fill('OperationUnreadable'));
  expect(failures.map(({ message }) => message)).toEqual([
    expect.stringContaining('neither a response nor an error'),
    expect.stringContaining('google.longrunning.WaitOperationRequest'),
    expect.stringContaining('google.cloud.redis.v9.Instance'),
  ]);
});

test('without a method, a response of an unknown type keeps its bytes', async () => {
  expect(await google.wait(operation('alien-2-0ms'), { service })).toEqual({
    '@type': 'type.googleapis.com/google.cloud.redis.v9.Instance',
    base64: Buffer.from('\n\x01x').toString('base64'),
    problem: expect.any(String) as unknown,
  });
});

test.each(['yandex', 'nebius', 'temporalCloud'])(
  'an operation in the dialect of %s is not read as one of Google',
  async (dialect) => {
    const id = operation(`foreign-${dialect}-1`);
    expect(await failing(google.wait(id, { service }))).toMatchObject({ type: 'OperationUnreadable', operationId: id });
  },
);

test('a refused poll of an unknown operation, and a refused start, end with the error of Google', async () => {
  const refused = { type: 'OperationServiceError', code: 7, codeName: 'PERMISSION_DENIED' };
  const details = [{ reason: 'IAM_PERMISSION_DENIED', domain: 'redis.googleapis.com' }];
  expect(await failing(google.wait(operation('refused-1'), { service }))).toMatchObject({ ...refused, details });
  expect(await failing(google.execute(CREATE_INSTANCE, instance('refused-2')))).toMatchObject({ ...refused, details });
});

test('fields that Google declares as required are checked before anything is sent', async () => {
  const failure = await failing(google.execute(CREATE_INSTANCE, { parent: LOCATION, instance: INSTANCE }));
  expect(failure).toMatchObject({ type: 'OperationConfigurationError' });
  expect(failure.message).toContain('instanceId');
});

test('a method that starts nothing is not called', async () => {
  const method = '/google.cloud.redis.v1.CloudRedis/GetInstance';
  const failure = await failing(google.execute(method, { name: `${LOCATION}/instances/ok-9` }));
  expect(failure).toMatchObject({ type: 'OperationConfigurationError' });
  expect(failure.message).toContain('does not return an operation');
  expect(google.received(method)).toEqual([]);
});

test('the same start twice is one operation where the request has a request_id', async () => {
  const idempotencyKey = randomUUID();
  const start = () => google.execute(CREATE_CLUSTER, cluster('ok-6-50ms'), { idempotencyKey });
  const [first, second] = [await start(), await start()];
  expect(first).toMatchObject({ name: `${LOCATION}/clusters/ok-6-50ms`, state: 'ACTIVE', shardCount: 3 });
  expect(second).toEqual(first);
  expect(starts(CREATE_CLUSTER, 'ok-6-50ms').map(({ request }) => request.requestId)).toEqual([
    idempotencyKey,
    idempotencyKey,
  ]);
});

test('a request_id of the caller is left alone', async () => {
  const requestId = randomUUID();
  await google.execute(CREATE_CLUSTER, { ...cluster('ok-7-0ms'), requestId }, { idempotencyKey: randomUUID() });
  expect(starts(CREATE_CLUSTER, 'ok-7-0ms').map(({ request }) => request.requestId)).toEqual([requestId]);
});

test('if the reply to a start is lost, the start is repeated only where a request_id makes it the same', async () => {
  expect(await google.execute(CREATE_CLUSTER, cluster('lost-1-50ms'))).toMatchObject({ state: 'ACTIVE' });
  const marks = starts(CREATE_CLUSTER, 'lost-1-50ms').map(({ request }) => request.requestId);
  expect(marks).toEqual([expect.any(String), marks[0]]);

  const failure = await failing(google.execute(CREATE_INSTANCE, instance('lost-2-50ms')));
  expect(failure).toMatchObject({ type: 'OperationServiceError', codeName: 'UNAVAILABLE' });
  expect(failure.message).toMatch(/may have|may exist/);
  expect(starts(CREATE_INSTANCE, 'lost-2-50ms')).toHaveLength(1);
});

test('conflicts and rate limits are waited out, and a quota is not', async () => {
  const names = ['conflict-1-0ms', 'busy-1-0ms', 'rate-1-0ms'];
  const quota = failing(google.execute(CREATE_INSTANCE, instance('quota-1-0ms')));
  for (const response of await Promise.all(names.map((name) => google.execute(CREATE_INSTANCE, instance(name))))) {
    expect(response).toMatchObject({ state: 'READY' });
  }
  expect(names.map((name) => starts(CREATE_INSTANCE, name).length)).toEqual([2, 2, 2]);
  expect(await quota).toMatchObject({
    type: 'OperationServiceError',
    codeName: 'RESOURCE_EXHAUSTED',
    details: [{ reason: 'RESOURCE_QUOTA_EXCEEDED' }, { violations: [{ subject: 'projects/123456789' }] }, {}],
  });
  expect(starts(CREATE_INSTANCE, 'quota-1-0ms')).toHaveLength(1);
  // The operation in the way was named by the refusal.
  expect(google.received(GET).map(({ request }) => request.name)).toContain(operation('ok-in-the-way-60ms'));
});

test('the command line takes the name of an operation with its slashes', async () => {
  const id = operation('ok-8-0ms');
  const { taskQueue } = google.interop.workflow();
  const options = ['--cloud', 'google', '--service', service, '--task-queue', taskQueue, '--json'];
  const args = [require.resolve('../src/cli/main'), 'await', id, ...options];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toContain(JSON.stringify(id));
  expect(stdout).toContain('"name":"projects/redpepper-1290/locations/us-central1/instances/found"');
});

test('an unknown operation, and the ID of another cloud, are OperationNotFound', async () => {
  const { operations } = google.interop;
  await expect(operations.get(operation('unknown-2'), { service })).rejects.toMatchObject({ codeName: 'NOT_FOUND' });
  expect(await slow.unknown).toMatchObject([
    { type: 'OperationNotFound', operationId: operation('unknown-1') },
    { type: 'OperationNotFound', operationId: 'fcmq0j5033e516c56ctq' },
  ]);
});
