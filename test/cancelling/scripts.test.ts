import { OperationsClient } from '../../src/client/operations-client';
import type { OperationSnapshot } from '../../src/model/snapshot';
import { FakeCloud } from '../../src/testing/fake-cloud';
import type { CancelBehaviour } from '../../src/testing/script';

const EMPTY = { '@type': 'google.protobuf.Empty' };
const T0 = Date.parse('2026-03-01T12:00:00Z');

let now: number;
let cloud: FakeCloud;
let client: OperationsClient;

beforeEach(async () => {
  now = T0;
  cloud = await FakeCloud.start({ now: () => now });
  client = OperationsClient.connect({ endpoint: cloud.address, plaintext: true });
});

afterEach(() => cloud.close().then(() => client.close()));

function stateOf(operation: OperationSnapshot): string {
  return 'error' in operation ? `${operation.state} ${operation.error.code}` : operation.state;
}

test.each<[CancelBehaviour | undefined, string[]]>([
  [undefined, ['failed 1', 'failed 1', 'failed 1']],
  ['completes', ['succeeded', 'succeeded', 'succeeded']],
  [{ completesAfter: 1000 }, ['running', 'succeeded', 'succeeded']],
  ['ignores', ['running', 'running', 'succeeded']],
  [{ cancelsAfter: 1000 }, ['running', 'failed 1', 'failed 1']],
  [{ cancelsAfter: 2000, rollback: 2000 }, ['rollingBack 1', 'rollingBack 1', 'failed 1']],
  [{ cancelsAfter: '1 h' }, ['running', 'running', 'succeeded']],
  [{ refuses: { code: 12, message: 'not supported' } }, ['UNIMPLEMENTED', 'running', 'succeeded']],
  [{ overwrittenBy: { code: 13 }, after: 1000 }, ['failed 1', 'failed 13', 'failed 13']],
])('Cancel that is scripted as %j gives %j', async (onCancel, expected) => {
  const id = cloud.operation({ after: 5000, response: EMPTY, ...(onCancel && { onCancel }) });
  now += 1000;
  const seen = [await client.cancel(id).then(stateOf, (err: { codeName: string }) => err.codeName)];
  for (now += 1000; now <= T0 + 5000; now += 3000) seen.push(stateOf(await client.get(id)));
  expect(seen).toEqual(expected);
});

test('Cancel does not change an operation that is done or rolling back', async () => {
  const rollingBack = cloud.operation({ after: 9, rollback: 9, error: { code: 13 } });
  expect(stateOf(await client.cancel(cloud.operation({ response: EMPTY })))).toBe('succeeded');
  expect(stateOf(await client.cancel(rollingBack))).toBe('rollingBack 13');
});
