import { taskFailures } from './cancelling/scene';
import { cluster, startStarts, type StartEnvironment } from './start/environment';
import { cancelInFinally, leaveNestedScope, leaveUnawaited, undoAfterSleep, undoInScope } from './start/workflows';

const EMPTY = { '@type': 'google.protobuf.Empty' };

let environment: StartEnvironment;
beforeAll(async () => (environment = await startStarts()));
afterAll(() => environment.stop());

describe('an operationScope with a branch that fails', () => {
  const LONG = { after: '1 h' } as const;
  const DELETE = '/fakecloud.v1.ClusterService/Delete';

  beforeAll(() => {
    environment.cloud
      .on('/fakecloud.v1.NetworkService/Create')
      .reply(() => ({ after: '2 s', error: { code: 8, message: 'The limit on networks is exceeded' } }));
    environment.cloud.on(DELETE).reply(() => ({ after: '1 s', response: EMPTY }));
  });

  test('awaits what a cancelled branch begins to undo its work', async () => {
    const { client, replies, workflow } = environment;
    replies.of('undone', () => ({ ...LONG, response: cluster('undone') }));
    const undone = await client.workflow.execute(undoInScope, { ...workflow(), args: ['undone'] });
    expect(undone).toEqual(['undone']);
  });

  test('awaits that too where the branch was waiting for no operation', async () => {
    const { client, cloud, workflow } = environment;
    const before = cloud.calls.length;
    const failed = client.workflow.execute(undoAfterSleep, { ...workflow(), args: ['asleep'] });
    await expect(failed).rejects.toMatchObject({ cause: { type: 'OperationFailed' } });
    expect(cloud.calls.slice(before).filter(({ method }) => method === DELETE)).toHaveLength(1);
  });

  test('cancels what waits in a scope within it, before it is left', async () => {
    const { client, replies, workflow } = environment;
    replies.of('nested', () => ({ ...LONG, response: cluster('nested') }));
    const cancelled = await environment.cancelledIn(async () => {
      const failed = client.workflow.execute(leaveNestedScope, { ...workflow(), args: ['nested'] });
      await expect(failed).rejects.toMatchObject({ cause: { type: 'OperationFailed' } });
    });
    expect(cancelled).toHaveLength(1);
  });

  test('awaits a cancellation in the finally of a branch', async () => {
    const { client, cloud, replies, workflow } = environment;
    replies.of('in finally', () => ({ ...LONG, response: cluster('in finally') }));
    const other = cloud.operation({ ...LONG, response: EMPTY });
    const cancelled = await environment.cancelledIn(async () => {
      const failed = client.workflow.execute(cancelInFinally, { ...workflow(), args: ['in finally', other] });
      await expect(failed).rejects.toMatchObject({ cause: { type: 'OperationFailed' } });
    });
    expect(cancelled).toHaveLength(2);
    expect(cancelled).toContain(other);
  });
});

test('a wait that nobody looks at when an operationScope is left fails no workflow task', async () => {
  const { client, cloud, workflow } = environment;
  const left = cloud.operation({ after: '1 h', response: EMPTY });
  const failing = cloud.operation({ after: '1 s', error: { code: 8, message: 'The limit is exceeded' } });
  const handle = await client.workflow.start(leaveUnawaited, { ...workflow(), args: [left, failing] });
  const cancelled = await environment.cancelledIn(async () => {
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'OperationFailed' } });
  });
  expect(await taskFailures(handle)).toEqual([]);
  expect(cancelled).toEqual([left]);
});
