import { failing, inTheMeantime, Outcomes } from './support/interop-outcomes';

const CANCEL = '/yandex.cloud.operation.OperationService/Cancel';
const CREATE_DISK = '/yandex.cloud.compute.v1.DiskService/Create';
const CREATE_SNAPSHOT = '/yandex.cloud.compute.v1.SnapshotService/Create';

const TIMEOUT = { timeout: '100 ms', onTimeout: 'cancel' } as const;

let yandex: Outcomes;
/** NOT_FOUND of an unknown operation is final after ten seconds, and a cancellation fails after its time is over. */
const slowWaits = () =>
  inTheMeantime({
    unknown: Promise.all(
      ['unknown1', 'projects/p/locations/l/operations/operation-1'].map((id) => failing(yandex.wait(id))),
    ),
    cancelled: yandex.cancelWait('storage-1-60s', { cancelTimeout: '3 s' }),
    timedOut: failing(yandex.wait('storage-2-60s', { ...TIMEOUT, cancelTimeout: '3 s' })),
  });
let slow: ReturnType<typeof slowWaits>;
beforeAll(async () => {
  yandex = await Outcomes.start('yandex');
  slow = slowWaits();
});
afterAll(() => yandex.stop());

test('while an operation runs, its snapshot has the metadata of Yandex', async () => {
  expect(await yandex.interop.operations.get('disk-1-60s')).toMatchObject({
    id: 'disk-1-60s',
    state: 'running',
    description: 'Create disk',
    metadata: { '@type': 'type.googleapis.com/yandex.cloud.compute.v1.CreateDiskMetadata', diskId: 'fhm-1-60s' },
  });
});

test('a cancelled wait cancels the operation', async () => {
  expect(await yandex.cancelWait('disk-2-60s')).toBe('cancelled');
  expect(yandex.received(CANCEL).map(({ request }) => request.operationId)).toContain('disk-2-60s');
});

test('if the service does not implement Cancel, a cancelled wait ends with OperationStillRunning', async () => {
  const failure = await slow.cancelled;
  expect(failure).toMatchObject({
    type: 'OperationStillRunning',
    operationId: 'storage-1-60s',
    operation: { state: 'running' },
  });
  expect(failure).toHaveProperty('message', expect.stringContaining('the cloud refused to cancel it'));
});

test('a timeout says what became of the operation', async () => {
  const [left, cancelled, unsupported] = await Promise.all([
    failing(yandex.wait('disk-3-60s', { timeout: '100 ms' })),
    failing(yandex.wait('disk-4-60s', TIMEOUT)),
    slow.timedOut,
  ]);
  expect(left.type).toBe('OperationTimedOut');
  expect(left.message).toContain('it goes on in the cloud');
  expect(cancelled).toMatchObject({ type: 'OperationTimedOut', operation: { state: 'failed', error: { code: 1 } } });
  expect(unsupported.type).toBe('OperationTimedOut');
  expect(unsupported.message).toContain('the cloud refused to cancel it');
});

test('a rollback is waited out, and then the operation has failed', async () => {
  expect(await failing(yandex.wait('rollback-1-100ms'))).toMatchObject({
    type: 'OperationFailed',
    codeName: 'INTERNAL',
    details: [{ '@type': 'type.googleapis.com/google.rpc.RequestInfo' }],
  });
});

test('what is done without a result, or with one of another type, is OperationUnreadable', async () => {
  expect(await failing(yandex.wait('neither-1-0ms'))).toMatchObject({ type: 'OperationUnreadable' });
  const mistyped = await failing(yandex.wait('disk-5-0ms', { method: CREATE_SNAPSHOT }));
  expect(mistyped).toMatchObject({ type: 'OperationUnreadable', operation: { state: 'succeeded' } });
  expect(mistyped.message).toContain('yandex.cloud.compute.v1.Disk');
  expect(await yandex.wait('disk-6-0ms', { method: CREATE_DISK })).toMatchObject({ name: '6-0ms' });
});

test('a refused poll of an unknown operation ends with the error of Yandex', async () => {
  const refused = { type: 'OperationServiceError', code: 7, codeName: 'PERMISSION_DENIED' };
  expect(await failing(yandex.wait('refused-1'))).toMatchObject(refused);
});

test.each(['google', 'nebius', 'temporalCloud'])(
  'an operation in the dialect of %s is not read as one of Yandex',
  async (dialect) => {
    const id = `foreign-${dialect}-1`;
    expect(await failing(yandex.wait(id))).toMatchObject({ type: 'OperationUnreadable', operationId: id });
  },
);

test('an unknown operation, and the ID of another cloud, are OperationNotFound', async () => {
  await expect(yandex.interop.operations.get('unknown2')).rejects.toMatchObject({ codeName: 'NOT_FOUND' });
  expect(await slow.unknown).toMatchObject([
    { type: 'OperationNotFound', operationId: 'unknown1' },
    { type: 'OperationNotFound', operationId: 'projects/p/locations/l/operations/operation-1' },
  ]);
});
