import { randomUUID } from 'node:crypto';
import { failing, inTheMeantime, Outcomes } from './support/interop-outcomes';

const SERVICE = '/temporal.api.cloud.cloudservice.v1.CloudService';
const CREATE = `${SERVICE}/CreateNamespace`;
const DELETE = `${SERVICE}/DeleteNamespace`;
const READ = `${SERVICE}/GetNamespace`;
const GET = `${SERVICE}/GetAsyncOperation`;

const namespace = (name: string) => ({
  spec: { name, regions: ['aws-us-east-1'], retentionDays: 30, apiKeyAuth: { enabled: true } },
});

const TIMEOUT = { timeout: '100 ms', onTimeout: 'cancel', cancelTimeout: '3 s' } as const;

let temporal: Outcomes;
/** NOT_FOUND of an unknown operation is final after ten seconds, and a cancellation fails after its time is over. */
const slowWaits = () =>
  inTheMeantime({
    unknown: Promise.all(
      ['unknown-1', 'projects/p/locations/l/operations/operation-1'].map((id) => failing(temporal.wait(id))),
    ),
    cancelled: temporal.cancelWait('ok-4-60000ms', { cancelTimeout: '3 s' }),
    timedOut: failing(temporal.wait('ok-7-60000ms', { ...TIMEOUT })),
  });
let slow: ReturnType<typeof slowWaits>;
beforeAll(async () => {
  temporal = await Outcomes.start('temporalCloud');
  slow = slowWaits();
});
afterAll(() => temporal.stop());

const starts = (name: string) =>
  temporal.received(CREATE).filter(({ request }) => JSON.stringify(request).includes(`"${name}"`));
const reads = (name: string) => temporal.received(READ).filter(({ request }) => request.namespace === `${name}.a2dd6`);
const polls = (id: string) => temporal.received(GET).filter(({ request }) => request.asyncOperationId === id);

test('CreateNamespace ends with the namespace, which is read after the success, and Temporal reads every field', async () => {
  const response = await temporal.execute(CREATE, namespace('ok-1-100ms'));
  expect(response).toMatchObject({
    '@type': 'type.googleapis.com/temporal.api.cloud.namespace.v1.Namespace',
    namespace: 'ok-1-100ms.a2dd6',
    spec: namespace('ok-1-100ms').spec,
    state: 'RESOURCE_STATE_ACTIVE',
  });
  const [start] = starts('ok-1-100ms');
  expect(start).toMatchObject({
    request: { ...namespace('ok-1-100ms'), asyncOperationId: expect.any(String) as unknown },
    values: { 'temporal-cloud-api-version': 'v0.19.1' },
  });
  expect(polls(String(start?.request.asyncOperationId)).length).toBeGreaterThan(0);
  expect(reads('ok-1-100ms')).toHaveLength(1);
  const versions = temporal.received().map(({ values }) => values['temporal-cloud-api-version']);
  expect(new Set(versions)).toEqual(new Set(['v0.19.1']));
});

test('DeleteNamespace ends without a read of the namespace that it has deleted', async () => {
  await temporal.execute(DELETE, { namespace: 'gone-1-50ms.a2dd6', resourceVersion: '3f8b' });
  expect(reads('gone-1-50ms')).toEqual([]);
});

test('if the namespace is NOT_FOUND for a while after the success, it is read until it is there', async () => {
  expect(await temporal.execute(CREATE, namespace('late-1-50ms'))).toMatchObject({ namespace: 'late-1-50ms.a2dd6' });
  expect(reads('late-1-50ms')).toHaveLength(4);
  expect(starts('late-1-50ms')).toHaveLength(1);
});

test('while an operation runs, its snapshot says what it does, and to what', async () => {
  const { operations } = temporal.interop;
  const started = await operations.start(CREATE, namespace('ok-2-60000ms'));
  expect(started).toMatchObject({ state: 'running' });
  const snapshot = await operations.get(started.id);
  expect(snapshot).toMatchObject({ id: started.id, state: 'running' });
  expect(JSON.stringify(snapshot)).toContain('CreateNamespaceOperation');
  expect(JSON.stringify(snapshot)).toContain('ok-2-60000ms');
});

test.each([
  ['fail', 'OperationFailed', 'region aws-us-east-1 has no capacity'],
  ['rejected', 'OperationFailed', 'namespace name is already taken'],
  ['cancelled', 'OperationCancelled', 'cancelled by an administrator'],
])('an operation that ends as %s is %s, with its reason', async (behaviour, type, reason) => {
  const failure = await failing(temporal.execute(CREATE, namespace(`${behaviour}-1-50ms`)));
  expect(failure).toMatchObject({ type, operation: { state: 'failed' } });
  expect(failure.message).toContain(reason);
  expect(reads(`${behaviour}-1-50ms`)).toEqual([]);
});

test('REJECTED can be told from FAILED', async () => {
  const [rejected, failed] = await Promise.all([
    failing(temporal.wait('rejected-2-0ms')),
    failing(temporal.wait('fail-2-0ms')),
  ]);
  expect(rejected).toMatchObject({ type: 'OperationFailed' });
  expect('code' in rejected && rejected.codeName).not.toBe('code' in failed && failed.codeName);
});

test('a state that this version does not know is shown and waited out', async () => {
  const { operations } = temporal.interop;
  const snapshot = await operations.get('strange-1-60000ms');
  expect(snapshot).toMatchObject({ state: 'running' });
  expect(JSON.stringify(snapshot)).toContain('42');
  await temporal.wait('strange-2-200ms', { method: DELETE });
  expect(polls('strange-2-200ms').length).toBeGreaterThan(1);
});

test.each(['deprecated', 'silent'])('the states of an operation that is %s are understood', async (behaviour) => {
  const id = `${behaviour}-1-200ms`;
  await temporal.wait(id, { method: DELETE });
  expect(polls(id).length).toBeGreaterThan(1);
});

test('check_duration is the least that polls are apart', async () => {
  await temporal.wait('hint-1-700ms', { method: DELETE });
  // At once, and after 400 and 800 ms; with intervals of 20 ms there would be more than twenty.
  expect(polls('hint-1-700ms').length).toBeLessThanOrEqual(3);
});

test('as Temporal Cloud has no Cancel, a cancelled wait ends with OperationStillRunning, which says so', async () => {
  const failure = await slow.cancelled;
  expect(failure).toMatchObject({
    type: 'OperationStillRunning',
    operationId: 'ok-4-60000ms',
    operation: { state: 'running' },
  });
  expect(failure).toHaveProperty('message', expect.stringContaining('the cloud refused to cancel it'));
});

test('a timeout says that the operation goes on', async () => {
  const left = await failing(temporal.wait('ok-6-60000ms', { timeout: '100 ms' }));
  const unsupported = await slow.timedOut;
  expect(left.type).toBe('OperationTimedOut');
  expect(left.message).toContain('it goes on in the cloud');
  expect(unsupported.type).toBe('OperationTimedOut');
  expect(unsupported.message).toContain('the cloud refused to cancel it');
});

test('a success whose namespace nobody names is OperationUnreadable if a namespace is expected, and else Empty', async () => {
  const failure = await failing(temporal.wait('ok-5-0ms', { method: CREATE }));
  expect(failure).toMatchObject({ type: 'OperationUnreadable', operation: { state: 'succeeded' } });
  expect(failure.message).toContain('CloudService/GetNamespace');
  expect(await temporal.wait('ok-5-0ms')).toEqual({ '@type': 'type.googleapis.com/google.protobuf.Empty' });
});

test.each(['yandex', 'google', 'nebius'])(
  'an operation in the dialect of %s is not read as one of Temporal Cloud',
  async (dialect) => {
    const id = `foreign-${dialect}-1`;
    expect(await failing(temporal.wait(id))).toMatchObject({ type: 'OperationUnreadable', operationId: id });
  },
);

test('a refused poll of an unknown operation, and a refused start, end with the error of Temporal Cloud', async () => {
  const refused = { type: 'OperationServiceError', code: 7, codeName: 'PERMISSION_DENIED' };
  expect(await failing(temporal.wait('refused-1'))).toMatchObject(refused);
  expect(await failing(temporal.execute(CREATE, namespace('refused-2')))).toMatchObject(refused);
});

test('the same start twice is one operation, also if the first reply is lost', async () => {
  const idempotencyKey = randomUUID();
  const start = () => temporal.execute(CREATE, namespace('ok-8-50ms'), { idempotencyKey });
  const [first, second] = [await start(), await start()];
  expect(second).toEqual(first);
  expect(await temporal.execute(CREATE, namespace('lost-1-50ms'))).toMatchObject({ namespace: 'lost-1-50ms.a2dd6' });
  const marks = (name: string) => starts(name).map(({ request }) => request.asyncOperationId);
  expect(marks('ok-8-50ms')).toEqual([idempotencyKey, idempotencyKey]);
  expect(marks('lost-1-50ms')).toEqual([expect.any(String), marks('lost-1-50ms')[0]]);
});

test('an async_operation_id of the caller is left alone', async () => {
  const asyncOperationId = `namespace-${randomUUID()}`;
  await temporal.execute(CREATE, { ...namespace('ok-9-50ms'), asyncOperationId });
  expect(starts('ok-9-50ms').map(({ request }) => request.asyncOperationId)).toEqual([asyncOperationId]);
});

test('too many operations and calls are waited out, and a quota is not', async () => {
  const quota = failing(temporal.execute(CREATE, namespace('quota-1')));
  const names = ['conflict-1-0ms', 'rate-1-0ms'];
  await Promise.all(names.map((name) => temporal.execute(CREATE, namespace(name))));
  expect(names.map((name) => starts(name).length)).toEqual([2, 2]);
  expect(await quota).toMatchObject({ type: 'OperationServiceError', codeName: 'RESOURCE_EXHAUSTED' });
  expect(starts('quota-1')).toHaveLength(1);
});

test('an unknown operation, and the ID of another cloud, are OperationNotFound', async () => {
  await expect(temporal.interop.operations.get('unknown-2')).rejects.toMatchObject({ codeName: 'NOT_FOUND' });
  expect(await slow.unknown).toMatchObject([
    { type: 'OperationNotFound', operationId: 'unknown-1' },
    { type: 'OperationNotFound', operationId: 'projects/p/locations/l/operations/operation-1' },
  ]);
});
