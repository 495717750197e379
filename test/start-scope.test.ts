import { ApplicationFailure, type WorkflowHandle } from '@temporalio/client';
import { cluster, CREATE, startStarts, type StartEnvironment } from './start/environment';
import {
  awaitFromOutside,
  cancelAtOnce,
  cancelBeforeResult,
  cancelOwner,
  leaveResult,
  startAndAwait,
} from './start/workflows';
import { until } from './support/until';

const LONG = { after: '1 h' } as const;

let environment: StartEnvironment;
beforeAll(async () => (environment = await startStarts()));
afterAll(() => environment.stop());

describe('the result of a started operation', () => {
  test('can be awaited many times: there is one wait, and metadata are available before', async () => {
    const metadata = { '@type': 'fakecloud.v1.CreateClusterMetadata', clusterId: 'cluster-shared' };
    environment.replies.of('shared', () => ({ after: 500, metadata, response: cluster('shared') }));
    const workflow = environment.workflow();
    const result = await environment.client.workflow.execute(startAndAwait, { ...workflow, args: ['shared'] });
    expect(result).toEqual({ clusterId: 'cluster-shared', names: ['shared', 'shared', 'shared'] });
    expect((await environment.timeline(workflow)).map((line) => line.split(' ')[0])).toEqual([
      'operation.start',
      'operation.get',
    ]);
  });

  test('is still delivered to others when one caller that awaits it is cancelled', async () => {
    environment.replies.of('left', () => ({ after: 2500, response: cluster('left') }));
    const workflow = { ...environment.workflow(), args: ['left'] as [string] };
    const cancelled = await environment.cancelledIn(async () => {
      expect(await environment.client.workflow.execute(leaveResult, workflow)).toEqual(['cancelled', 'left']);
    });
    expect(cancelled).toEqual([]);
  });

  test.each([
    ['while it is awaited', cancelOwner, ['cancelled', 'cancelled']],
    ['before it is awaited', cancelBeforeResult, 'cancelled'],
  ] as const)(
    'belongs to the scope of the start, whose cancellation cancels the operation: %s',
    async (name, type, expected) => {
      environment.replies.of(name, () => ({ ...LONG, response: cluster(name) }));
      const cancelled = await environment.cancelledIn(async () => {
        const execution = environment.client.workflow.execute<(name: string) => Promise<unknown>>(type, {
          ...environment.workflow(),
          args: [name],
        });
        expect(await execution).toEqual(expected);
      });
      expect(cancelled).toHaveLength(1);
    },
  );
});

test('a caller that awaits a result outside the scope of its start learns how the operation ended after the cancellation', async () => {
  environment.replies.of('outside', () => ({ ...LONG, onCancel: 'completes', response: cluster('outside') }));
  const handle = await environment.client.workflow.start(awaitFromOutside, {
    ...environment.workflow(),
    args: ['outside'],
  });
  await until(() => environment.replies.startedOf('outside') === 1);
  await until(async () => (await environment.timeline(handle)).length === 2);
  await handle.cancel();
  expect(await handle.result()).toBe('outside');
});

describe('a cancellation before the start has returned', () => {
  /** Cancels `execute` when `ready`. Returns how the workflow ended and which operations were cancelled. */
  async function cancelWhen(
    name: string,
    ready: (handle: WorkflowHandle) => boolean | Promise<boolean>,
    defaults = {},
  ): Promise<{ end: string; operations: string[]; lines: string[] }> {
    let end = '';
    let lines: string[] = [];
    const operations = await environment.cancelledIn(async () => {
      const handle = await environment.start(name, {}, defaults);
      await until(() => ready(handle));
      await handle.cancel();
      end = await handle.result().then(
        (response) => JSON.stringify(response),
        ({ cause }: { cause?: unknown }) => (cause instanceof ApplicationFailure ? (cause.type ?? '') : 'cancelled'),
      );
      lines = await environment.timeline(handle);
    });
    return { end, operations, lines };
  }

  test('finds by its key an operation whose reply was lost, and cancels it', async () => {
    environment.replies.of('lost twice', () => ({ ...LONG, response: cluster('lost twice') }));
    let lost = 0;
    environment.cloud.intercept(({ method }) => (method === CREATE && lost++ < 2 ? { lostReply: true } : undefined));
    // During the backoff after the second attempt.
    const { end, operations } = await cancelWhen('lost twice', () => lost === 2);
    expect(end).toBe('cancelled');
    expect(operations).toHaveLength(1);
    expect(environment.replies.startedOf('lost twice')).toBe(1);
  });

  test('starts nothing when nothing was begun: no worker has picked up the start, or the cloud is busy', async () => {
    const nobody = await cancelWhen('nobody', async (handle) => (await environment.timeline(handle)).length > 0, {
      taskQueue: 'nobody-serves-this',
    });
    const message = 'The limit on maximum number of active operations has exceeded.';
    environment.replies.of('busy, cancelled', () => ({ refuse: { code: 8, message } }));
    const busy = await cancelWhen('busy, cancelled', () => environment.replies.startedOf('busy, cancelled') > 0);
    expect(nobody).toMatchObject({ end: 'cancelled', operations: [] });
    expect(busy).toMatchObject({ end: 'cancelled', operations: [] });
    expect(environment.replies.startedOf('nobody')).toBe(0);
  });

  test('does not cancel a conflicting operation', async () => {
    const conflicting = environment.cloud.operation({ ...LONG, response: cluster('other') });
    const message = `conflicting operation "${conflicting}" detected`;
    environment.replies.of('in the way', () => ({ refuse: { code: 9, message } }));
    const isPolled = (): boolean => environment.cloud.calls.some(({ operationId }) => operationId === conflicting);
    expect(await cancelWhen('in the way', isPolled)).toMatchObject({ end: 'cancelled', operations: [] });
    expect(environment.replies.startedOf('in the way')).toBe(1);
  });

  test('in the same task as the start sends nothing', async () => {
    const execution = environment.client.workflow.execute(cancelAtOnce, {
      ...environment.workflow(),
      args: ['at once'],
    });
    expect(await execution).toBe('cancelled');
    expect(environment.replies.startedOf('at once')).toBe(0);
  });

  test('returns the response of an operation that has succeeded nevertheless', async () => {
    environment.replies.of('completed', () => ({ ...LONG, onCancel: 'completes', response: cluster('completed') }));
    let isSent = false;
    environment.cloud.intercept(({ method }) => {
      if (method !== CREATE || isSent) return undefined;
      isSent = true;
      return { hang: 500 };
    });
    const { end } = await cancelWhen('completed', () => isSent);
    expect(JSON.parse(end)).toMatchObject({ name: 'completed' });
  });
});
