import { randomUUID } from 'node:crypto';
import { failing, inTheMeantime, Outcomes } from './support/interop-outcomes';

const POLL = '/nebius.common.v1.OperationService/Get';
const CREATE = '/nebius.vpc.v1.NetworkService/Create';
const DELETE = '/nebius.vpc.v1.NetworkService/Delete';
const READ = '/nebius.vpc.v1.NetworkService/Get';
const service = 'nebius.vpc.v1';

const network = (name: string) => ({
  metadata: { parentId: 'project-e00x', name, labels: { team: 'платформа' } },
  spec: { ipv4PrivatePools: { pools: [{ id: 'vpcpool-e00x' }] } },
});

const TIMEOUT = { timeout: '100 ms', onTimeout: 'cancel', cancelTimeout: '3 s' } as const;

let nebius: Outcomes;
/** NOT_FOUND of an unknown operation is final after ten seconds, and a cancellation fails after its time is over. */
const slowWaits = () =>
  inTheMeantime({
    unknown: Promise.all(
      ['vpcoperation-unknown', 'projects/p/locations/l/operations/operation-1'].map((id) =>
        failing(nebius.wait(id, { service })),
      ),
    ),
    cancelled: nebius.cancelWait('ok-4-60000ms', { service, cancelTimeout: '3 s' }),
    timedOut: failing(nebius.wait('ok-7-60000ms', { service, ...TIMEOUT })),
  });
let slow: ReturnType<typeof slowWaits>;
beforeAll(async () => {
  nebius = await Outcomes.start('nebius');
  slow = slowWaits();
});
afterAll(() => nebius.stop());

const starts = (name: string) =>
  nebius.received(CREATE).filter(({ request }) => JSON.stringify(request).includes(`"${name}"`));
const reads = (name: string) => nebius.received(READ).filter(({ request }) => request.id === `vpcnetwork-${name}`);

test('Create ends with the network, which is read after the success, and Nebius reads every field of the request', async () => {
  const response = await nebius.execute(CREATE, network('ok-1-100ms'));
  expect(response).toMatchObject({
    '@type': 'type.googleapis.com/nebius.vpc.v1.Network',
    // A JavaScript number cannot hold every int64.
    metadata: { id: 'vpcnetwork-ok-1-100ms', resourceVersion: '9007199254740993', labels: { team: 'платформа' } },
    status: { state: 'READY', defaultRouteTableId: 'vpcroutetable-e00x' },
  });
  expect(starts('ok-1-100ms')).toMatchObject([
    {
      request: network('ok-1-100ms'),
      values: { 'x-idempotency-key': expect.stringMatching(/^[A-Za-z0-9-]+$/) as unknown },
    },
  ]);
  expect(reads('ok-1-100ms')).toHaveLength(1);
});

test('a wait for an operation that somebody has started reads the resource too', async () => {
  for (const start of [{ method: CREATE }, { service: CREATE.slice(1) }]) {
    expect(await nebius.wait('ok-2-50ms', start)).toMatchObject({ metadata: { id: 'vpcnetwork-ok-2-50ms' } });
  }
  // A package tells the host, but not how to read the resource.
  expect(await nebius.wait('ok-2-50ms', { service })).toEqual({ '@type': 'type.googleapis.com/google.protobuf.Empty' });
});

test('Delete ends without a read of the resource that it has deleted', async () => {
  await nebius.execute(DELETE, { id: 'vpcnetwork-gone-1-50ms' });
  expect(nebius.received(DELETE).map(({ request }) => request.id)).toContain('vpcnetwork-gone-1-50ms');
  expect(reads('gone-1-50ms')).toEqual([]);
});

test('if the resource is NOT_FOUND for a while after the success, it is read until it is there', async () => {
  expect(await nebius.execute(CREATE, network('late-1-50ms'))).toMatchObject({
    metadata: { id: 'vpcnetwork-late-1-50ms' },
  });
  expect(reads('late-1-50ms')).toHaveLength(4);
  expect(starts('late-1-50ms')).toHaveLength(1);
});

test('an operation that is finished in the reply to its start is never polled, with an ID or without one', async () => {
  const before = nebius.received(POLL).length;
  for (const name of ['instant-1', 'empty-1']) {
    expect(await nebius.execute(CREATE, network(name))).toMatchObject({ metadata: { id: `vpcnetwork-${name}` } });
    expect(starts(name)).toHaveLength(1);
  }
  const failure = await failing(nebius.execute(CREATE, network('emptyfail-1')));
  expect(failure).toMatchObject({ type: 'OperationFailed', codeName: 'RESOURCE_EXHAUSTED' });
  // Started operations have IDs of the server; the slow waits poll others.
  const polled = nebius.received(POLL).slice(before);
  expect(polled.filter(({ request: { id = '' } }) => /^(vpcoperation-e00.*)?$/.test(String(id)))).toEqual([]);
});

test('while an operation runs, its snapshot has the progress of Nebius', async () => {
  const { operations } = nebius.interop;
  const started = await operations.start(CREATE, network('ok-3-60000ms'));
  expect(started).toMatchObject({ state: 'running', description: 'Create network', createdBy: 'serviceaccount-e00x' });
  const snapshot = await operations.get(started.id, { service });
  expect(snapshot).toMatchObject({ id: started.id, state: 'running' });
  expect(snapshot).toHaveProperty('progress', { percent: 25, step: 'Reserving addresses', done: 1, total: 4 });
});

test('a failure has the code, the message and the ServiceError of Nebius', async () => {
  const failure = await failing(nebius.execute(CREATE, network('fail-1-50ms')));
  expect(failure).toMatchObject({
    type: 'OperationFailed',
    code: 8,
    codeName: 'RESOURCE_EXHAUSTED',
    details: [
      {
        '@type': 'type.googleapis.com/nebius.common.v1.ServiceError',
        service: 'vpc',
        quotaFailure: { violations: [{ quota: 'vpc.network.count', limit: '2', requested: '3' }] },
        retryType: 'NOTHING',
      },
    ],
    operation: { state: 'failed', description: 'Create network' },
  });
  expect(failure.message).toContain('Quota exceeded');
});

test('an operation that Nebius cancels is OperationCancelled, and one that a newer one aborts is OperationFailed', async () => {
  const method = CREATE;
  expect(await failing(nebius.wait('cancelled-1-0ms', { method }))).toMatchObject({ type: 'OperationCancelled' });
  expect(await failing(nebius.wait('aborted-1-0ms', { method }))).toMatchObject({
    type: 'OperationFailed',
    codeName: 'ABORTED',
    details: [{ operationAborted: { abortedByOperationId: 'vpcoperation-e00newer' } }],
  });
});

test('as Nebius has no Cancel, a cancelled wait ends with OperationStillRunning, which says so', async () => {
  const failure = await slow.cancelled;
  expect(failure).toMatchObject({
    type: 'OperationStillRunning',
    operationId: 'ok-4-60000ms',
    operation: { state: 'running' },
  });
  expect(failure).toHaveProperty('message', expect.stringContaining('the cloud refused to cancel it'));
  await expect(nebius.interop.operations.cancel('ok-4-60000ms', { service })).rejects.toThrow(
    /cannot (be )?cancel|no Cancel|not support/i,
  );
});

test('a cancelled wait still returns what the operation brings about within cancelTimeout', async () => {
  expect(await nebius.cancelWait('ok-5-400ms', { method: CREATE, cancelTimeout: '30 s' })).toMatchObject({
    metadata: { id: 'vpcnetwork-ok-5-400ms' },
  });
});

test('a timeout says that the operation goes on', async () => {
  const left = await failing(nebius.wait('ok-6-60000ms', { service, timeout: '100 ms' }));
  const unsupported = await slow.timedOut;
  expect(left.type).toBe('OperationTimedOut');
  expect(left.message).toContain('it goes on in the cloud');
  expect(unsupported.type).toBe('OperationTimedOut');
  expect(unsupported.message).toContain('the cloud refused to cancel it');
});

test('a success whose operation names no resource is OperationUnreadable', async () => {
  const failure = await failing(nebius.wait('nobody-1-0ms', { method: CREATE }));
  expect(failure).toMatchObject({ type: 'OperationUnreadable', operationId: 'nobody-1-0ms' });
});

test.each(['yandex', 'google', 'temporalCloud'])(
  'an operation in the dialect of %s is not read as one of Nebius',
  async (dialect) => {
    const id = `foreign-${dialect}-1`;
    expect(await failing(nebius.wait(id, { service }))).toMatchObject({ type: 'OperationUnreadable', operationId: id });
  },
);

test('a refused poll of an unknown operation, and a refused start, end with the error of Nebius', async () => {
  const refused = { type: 'OperationServiceError', code: 7, codeName: 'PERMISSION_DENIED' };
  const details = [{ service: 'vpc', code: 'PermissionDenied' }];
  expect(await failing(nebius.wait('refused-1', { service }))).toMatchObject({ ...refused, details });
  expect(await failing(nebius.execute(CREATE, network('refused-2')))).toMatchObject({ ...refused, details });
});

test('the same start twice is one operation, also if the first reply is lost', async () => {
  const idempotencyKey = randomUUID();
  const start = () => nebius.execute(CREATE, network('ok-8-50ms'), { idempotencyKey });
  const [first, second] = [await start(), await start()];
  expect(second).toEqual(first);
  expect(await nebius.execute(CREATE, network('lost-1-50ms'))).toMatchObject({
    metadata: { id: 'vpcnetwork-lost-1-50ms' },
  });
  const keys = (name: string) => starts(name).map(({ values }) => values['x-idempotency-key']);
  expect(keys('ok-8-50ms')).toEqual([idempotencyKey, idempotencyKey]);
  expect(keys('lost-1-50ms')).toEqual([expect.any(String), keys('lost-1-50ms')[0]]);
});

test('a conflict and a refusal whose retry type is CALL are waited out, and any other refusal is not', async () => {
  const quota = failing(nebius.execute(CREATE, network('quota-1')));
  const unit = failing(nebius.execute(CREATE, network('unit-1')));
  const names = ['conflict-1-0ms', 'rate-1-0ms'];
  await Promise.all(names.map((name) => nebius.execute(CREATE, network(name))));
  expect(names.map((name) => starts(name).length)).toEqual([2, 2]);
  expect(await quota).toMatchObject({ type: 'OperationServiceError', codeName: 'RESOURCE_EXHAUSTED' });
  expect(await unit).toMatchObject({
    type: 'OperationServiceError',
    codeName: 'ABORTED',
    details: [{ resourceConflict: { resourceId: 'vpcnetwork-e00x' } }],
  });
  expect(['quota-1', 'unit-1'].map((name) => starts(name).length)).toEqual([1, 1]);
});

test('an unknown operation, and the ID of another cloud, are OperationNotFound', async () => {
  await expect(nebius.interop.operations.get('vpcoperation-unknown-2', { service })).rejects.toMatchObject({
    codeName: 'NOT_FOUND',
  });
  expect(await slow.unknown).toMatchObject([
    { type: 'OperationNotFound', operationId: 'vpcoperation-unknown' },
    { type: 'OperationNotFound', operationId: 'projects/p/locations/l/operations/operation-1' },
  ]);
});
