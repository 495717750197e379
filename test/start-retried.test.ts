import { cluster, CREATE, startStarts, type StartEnvironment } from './start/environment';
import { continueRetried } from './start/workflows';
import { CLOUD } from './support/environment';

const retry = { maximumAttempts: 2, initialInterval: '10 ms' } as const;

let environment: StartEnvironment;
beforeAll(async () => (environment = await startStarts()));
afterAll(() => environment.stop());

test('a retry of a workflow that continued as new begins a new operation instead of returning the failed one', async () => {
  const { client, cloud, replies, workflow } = environment;
  const name = 'retried after it continued';
  replies.of(name, () => ({ response: cluster(name) }));
  const id = cloud.operation({ after: 10, error: { code: 14, message: 'no machine is free' } });
  const now = Date.now();
  const state = { startedAtMs: now, polls: 400, timers: 0, operation: { cloud: CLOUD, id, state: 'running' } } as const;
  const result = client.workflow.execute('executeOperation', {
    ...workflow(),
    args: [{ cloud: CLOUD, method: CREATE, request: { name } }, state],
    retry,
  });
  expect(await result).toMatchObject({ name });
  expect(cloud.calls.filter(({ operationId }) => operationId === id).length).toBeGreaterThan(0);
  expect(replies.startedOf(name)).toBe(1);
});

test('after a retry continues as new, the new run has attempt 1 and keeps the state that was passed to it', async () => {
  const { client, workflow } = environment;
  expect(await client.workflow.execute(continueRetried, { ...workflow(), args: [false], retry })).toBe(1);
});
