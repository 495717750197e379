import { setTimeout as sleep } from 'node:timers/promises';
import { taskFailures } from './cancelling/scene';
import { cluster, startStarts, type StartEnvironment } from './start/environment';
import {
  beginWhenLeft,
  cancelInFinally,
  leaveForeignResult,
  leaveNestedScope,
  leaveOthers,
  leaveUnawaited,
  resultAfterScope,
  undoInScope,
} from './start/workflows';

const EMPTY = { '@type': 'google.protobuf.Empty' };

let environment: StartEnvironment;
beforeAll(async () => {
  const beside = (): Promise<string> => sleep(1000).then(() => 'activity ended');
  environment = await startStarts({ activities: { beside } });
});
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

  test('waits for the compensation of a cancelled branch', async () => {
    const { client, replies, workflow } = environment;
    replies.of('undone', () => ({ ...LONG, response: cluster('undone') }));
    const undone = await client.workflow.execute(undoInScope, { ...workflow(), args: ['undone'] });
    expect(undone).toEqual(['undone']);
  });

  test('does not cancel a branch without a wait, which then begins no operation', async () => {
    const { client, replies, workflow } = environment;
    const ended = await client.workflow.execute(beginWhenLeft, { ...workflow(), args: ['late'] });
    expect(ended).toMatch(/The limit on networks is exceeded, cancelled$/);
    expect(replies.startedOf('late')).toBe(0);
  });

  test('cancels the waits of a nested scope and waits for them before it ends', async () => {
    const { client, replies, workflow } = environment;
    replies.of('nested', () => ({ ...LONG, response: cluster('nested') }));
    const cancelled = await environment.cancelledIn(async () => {
      const failed = client.workflow.execute(leaveNestedScope, { ...workflow(), args: ['nested'] });
      await expect(failed).rejects.toMatchObject({ cause: { type: 'OperationFailed' } });
    });
    expect(cancelled).toHaveLength(1);
  });

  test('waits for a cancellation in the finally block of a branch', async () => {
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

test('a wait that nobody awaits when an operationScope ends fails no workflow task', async () => {
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

describe('an operationScope that ends', () => {
  test.each([
    ['ends', false, 'scope ended'],
    ['fails', true, 'scope failed'],
  ])('cancels no child, timer, activity or operation without a wait: it %s', async (how, fails, end) => {
    const { client, replies, workflow } = environment;
    replies.of(how, () => ({ after: '1 s', response: cluster(how) }));
    const cancelled = await environment.cancelledIn(async () => {
      const others = await client.workflow.execute(leaveOthers, { ...workflow(), args: [how, fails] });
      expect(others).toEqual([end, 'child ended', 'timer fired', 'activity ended', how]);
    });
    expect(cancelled).toEqual([]);
  });

  test.each([
    ['goes on', false, 0],
    ['is cancelled with the scope that awaits it then', true, 1],
  ])('no longer owns an operation that it started, whose wait %s', async (name, isCancelled, cancels) => {
    const { client, replies, workflow } = environment;
    replies.of(name, () => ({ after: isCancelled ? '1 h' : '1 s', response: cluster(name) }));
    const cancelled = await environment.cancelledIn(async () => {
      const result = client.workflow.execute(resultAfterScope, { ...workflow(), args: [name, isCancelled] });
      expect(await result).toBe(isCancelled ? 'cancelled' : name);
    });
    expect(cancelled).toHaveLength(cancels);
  });

  test('ends its await of an operation that was started outside, but not the wait', async () => {
    const { client, replies, workflow } = environment;
    replies.of('foreign', () => ({ after: '2 s', response: cluster('foreign') }));
    const cancelled = await environment.cancelledIn(async () => {
      const both = await client.workflow.execute(leaveForeignResult, { ...workflow(), args: ['foreign'] });
      expect(both).toEqual(['cancelled', 'foreign']);
    });
    expect(cancelled).toEqual([]);
  });
});
