import type { WorkflowHandle } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { operationFailure } from 'temporal-lro';
import { cluster, errorOf, startStarts, type StartEnvironment } from './start/environment';
import { reset } from './support/reset';
import { until } from './support/until';

const poll = { initialInterval: '100 ms' } as const;

let environment: StartEnvironment;
beforeAll(async () => (environment = await startStarts()));
afterAll(() => environment.stop());

/** Starts the workflow, and resolves when its operation has been polled. */
async function startAndPoll(name: string): Promise<WorkflowHandle> {
  const { calls } = environment.cloud;
  const before = calls.length;
  const handle = await environment.start(name, { poll });
  await until(() => calls.slice(before).some(({ method }) => method.endsWith('/Get')));
  return handle;
}

test('a workflow that is reset to a point after its start waits for the same operation, and its former run does not cancel it', async () => {
  const { replies } = environment;
  replies.of('same', () => ({ after: '3 s', response: cluster('same') }));
  const handle = await startAndPoll('same');
  const cancelled = await environment.cancelledIn(async () => {
    const anew = await reset(environment.client, handle.workflowId, 2);
    expect(await anew.result()).toMatchObject({ id: 'cluster-same' });
  });
  expect(cancelled).toEqual([]);
  expect(replies.startedOf('same')).toBe(1);
});

test('a workflow that is reset to a point after its start is told that its operation was cancelled with the former run', async () => {
  const { replies } = environment;
  replies.of('cancelled', () => ({ after: '1 h', response: cluster('cancelled') }));
  const handle = await startAndPoll('cancelled');
  await handle.cancel();
  expect(await errorOf(handle.result())).toMatchObject({ cause: expect.any(CancelledFailure) as unknown });
  const anew = await reset(environment.client, handle.workflowId, 2);
  expect(operationFailure(await errorOf(anew.result()))).toMatchObject({ type: 'OperationCancelled', code: 1 });
  expect(replies.startedOf('cancelled')).toBe(1);
});
