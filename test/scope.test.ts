import { cluster, startStarts, type StartEnvironment } from './start/environment';
import { undoInScope } from './start/workflows';

const EMPTY = { '@type': 'google.protobuf.Empty' };

let environment: StartEnvironment;
beforeAll(async () => (environment = await startStarts()));
afterAll(() => environment.stop());

test('an operationScope awaits what a cancelled branch begins to undo its work', async () => {
  const { client, cloud, replies, workflow } = environment;
  replies.of('undone', () => ({ after: '1 h', response: cluster('undone') }));
  cloud
    .on('/fakecloud.v1.NetworkService/Create')
    .reply(() => ({ after: '1 s', error: { code: 8, message: 'The limit on networks is exceeded' } }));
  cloud.on('/fakecloud.v1.ClusterService/Delete').reply(() => ({ after: '1 s', response: EMPTY }));
  const undone = await client.workflow.execute(undoInScope, { ...workflow(), args: ['undone'] });
  expect(undone).toEqual(['undone']);
});

test('an option that a wait leaves out by null or undefined keeps the default of its cloud', async () => {
  const { replies } = environment;
  replies.of('limited', () => ({ after: '1 h', response: cluster('limited') }));
  const handle = await environment.start('limited', { timeout: null, poll: { jitter: null } }, { timeout: '1 s' });
  await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'OperationTimedOut' } });
});
