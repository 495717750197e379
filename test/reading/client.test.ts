import { OperationsClient } from 'temporal-lro';
import { DISK_DESCRIPTORS, DiskCloud, DiskService, hang } from '../support/disks';
import { until } from '../support/until';

const { get, resize } = DiskService;

let disks: DiskCloud;
let client: OperationsClient;
beforeAll(async () => {
  disks = await DiskCloud.start();
  client = OperationsClient.connect({ endpoint: disks.address, plaintext: true, descriptors: [DISK_DESCRIPTORS] });
});
afterAll(async () => {
  client.close();
  await disks.close();
});

test('OperationsClient.call returns the reply as canonical JSON', async () => {
  disks.on('read', () => ({ id: 'read', status: 'READY' }));
  expect(await client.call(get.path, { diskId: 'read' })).toMatchObject({ id: 'read', status: 'READY', size: '0' });
});

test('OperationsClient.call sends an idempotency key with a method that changes something', async () => {
  disks.on('changed', () => ({ id: 'changed' }));
  await client.call(get.path, { diskId: 'changed' });
  await client.call(resize.path, { diskId: 'changed' });
  expect(disks.callsFor('changed').map(({ key }) => typeof key)).toEqual(['undefined', 'string']);
});

test('OperationsClient.call rejects with the error of the cloud', async () => {
  await expect(client.call(get.path, { diskId: 'none' })).rejects.toMatchObject({ codeName: 'NOT_FOUND' });
});

test('OperationsClient.call rejects for a method that starts an operation, and says what to use', async () => {
  await expect(client.call('/disks.v1.DiskService/Create', {})).rejects.toMatchObject({
    type: 'OperationConfigurationError',
  });
});

test('OperationsClient.call rejects when its signal aborts', async () => {
  disks.on('hanging', (_, incoming) => hang(incoming));
  const abort = new AbortController();
  const called = client.call(get.path, { diskId: 'hanging' }, { signal: abort.signal });
  await until(() => disks.callsFor('hanging').length > 0);
  abort.abort();
  await expect(called).rejects.toMatchObject({ codeName: 'CANCELLED' });
});
