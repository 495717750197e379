import { ApplicationFailure, CancelledFailure, type WorkflowHandle } from '@temporalio/client';
import { cluster, CREATE, errorOf, startStarts, type StartEnvironment } from './start/environment';
import { execute, executeOperation, leaveScope } from './start/workflows';
import { CLOUD, pluginOf, runWorker } from './support/environment';
import { until } from './support/until';

const LONG = { after: '1 h' } as const;
const workflowsPath = require.resolve('./start/workflows');

let environment: StartEnvironment;
beforeAll(async () => (environment = await startStarts()));
afterAll(() => environment.stop());

/**
 * Begins workflows and stops their worker. Meanwhile their activities complete, and they are cancelled if `cancel` is
 * set: both arrive in one task.
 */
async function inOneTask(
  begin: (queues: { taskQueue: string; activities: string }) => Promise<WorkflowHandle>[],
  { cancel, activities: each }: { cancel: boolean; activities: number },
): Promise<{ ends: unknown[]; cancelled: string[] }> {
  const { connection, cloud, workflow } = environment;
  const [taskQueue, activities] = [workflow().workflowId, workflow().workflowId];
  const workflows = { connection, taskQueue, workflowsPath };
  let stop = await runWorker(workflows);
  const handles = await Promise.all(begin({ taskQueue, activities }));
  const allHave = (event: 'Scheduled' | 'Completed'): Promise<void> =>
    until(async () => {
      const histories = await Promise.all(handles.map((handle) => handle.fetchHistory()));
      const found = histories.map(
        ({ events }) => events?.filter((one) => one[`activityTask${event}EventAttributes`]).length ?? 0,
      );
      return found.every((count) => count === each);
    });
  await allHave('Scheduled');
  await stop();
  const plugins = [pluginOf(cloud)];
  const beside = (): Promise<void> => Promise.resolve();
  const stopActivities = await runWorker({ connection, taskQueue: activities, plugins, activities: { beside } });
  await allHave('Completed');
  let ends: unknown[] = [];
  const cancelled = await environment.cancelledIn(async () => {
    if (cancel) for (const handle of handles) await handle.cancel();
    stop = await runWorker(workflows);
    ends = await Promise.all(handles.map(async (handle) => (await errorOf(handle.result())).cause));
  });
  await stop();
  await stopActivities();
  return { ends, cancelled };
}

test.each([
  ['the workflow type', executeOperation],
  ['a workflow of its caller', execute],
] as const)(
  'an operation that was begun is cancelled even if the reply of its start arrives with the cancellation: %s',
  async (name, type) => {
    environment.replies.of(name, () => ({ ...LONG, response: cluster(name) }));
    const { client, workflow } = environment;
    const { ends, cancelled } = await inOneTask(
      ({ taskQueue, activities }) => {
        const own = { ...workflow(), taskQueue };
        const request = { name };
        const handle =
          type === execute
            ? client.workflow.start(execute, { ...own, args: [CREATE, request, {}, { taskQueue: activities }] })
            : client.workflow.start(executeOperation, {
                ...own,
                args: [{ cloud: CLOUD, method: CREATE, request, taskQueue: activities }],
              });
        return [handle];
      },
      { cancel: true, activities: 1 },
    );
    expect(ends).toEqual([expect.any(CancelledFailure)]);
    expect(environment.replies.startedOf(name)).toBe(1);
    expect(cancelled).toHaveLength(1);
  },
);

test('an operationScope that ends while a start in it completes leaves no operation running', async () => {
  const names = Array.from({ length: 8 }, (_, n) => `beside ${n}`);
  for (const name of names) environment.replies.of(name, () => ({ ...LONG, response: cluster(name) }));
  const { client, workflow } = environment;
  const { ends, cancelled } = await inOneTask(
    ({ taskQueue, activities }) =>
      names.map((name, n) =>
        client.workflow.start(leaveScope, { ...workflow(), taskQueue, args: [name, activities, n] }),
      ),
    { cancel: false, activities: 2 },
  );
  expect(ends).toEqual(names.map(() => expect.objectContaining({ message: 'left' }) as unknown));
  expect(new Set(cancelled).size).toBe(names.length);
});

describe('a cancelled workflow with a retry policy', () => {
  const retry = { maximumAttempts: 3, initialInterval: 10 } as const;

  async function cancelWhen(name: string, isReady: () => boolean): Promise<unknown> {
    const handle = await environment.client.workflow.start(execute, {
      ...environment.workflow(),
      args: [CREATE, { name }],
      retry,
    });
    await until(isReady);
    await handle.cancel();
    return (await errorOf(handle.result())).cause;
  }

  test('gets the end of its operation, and the server does not retry it', async () => {
    const name = 'ends by a code that may pass';
    environment.replies.of(name, () => ({ ...LONG, onCancel: 'completes', error: { code: 10, message: 'aborted' } }));
    const end = await cancelWhen(name, () => environment.replies.startedOf(name) === 1);
    expect(end).toBeInstanceOf(ApplicationFailure);
    expect(end).toMatchObject({ type: 'OperationFailed', nonRetryable: true });
    expect(environment.replies.startedOf(name)).toBe(1);
  });

  test('ends as cancelled when the cloud refuses the start, and no operation is begun', async () => {
    const name = 'refused in the end';
    environment.replies.of(name, () => ({ refuse: { code: 8, message: 'The limit on GPUs is exceeded' } }));
    let asked = 0;
    environment.cloud.intercept(({ method }) => (method === CREATE && asked++ === 0 ? { hang: 1000 } : undefined));
    expect(await cancelWhen(name, () => asked > 0)).toBeInstanceOf(CancelledFailure);
    expect(environment.replies.startedOf(name)).toBe(1);
  });
});
