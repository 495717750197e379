import type { WorkflowHandle } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { createActivities } from '../../activities';
import { Cloud } from '../../src/cloud/cloud';
import { CLOUD, pluginOf, runWorker, startEnvironment } from '../support/environment';
import { relay } from '../support/relay';
import { until } from '../support/until';
import { awaitOperation } from './workflows';

async function attempts(handle: WorkflowHandle): Promise<number> {
  const { events } = await handle.fetchHistory();
  return Math.max(...(events ?? []).map((event) => event.activityTaskStartedEventAttributes?.attempt ?? 0));
}

test("waits beyond a worker's maximum number of leases sleep by activity retries", async () => {
  const { client, cloud, connection, taskQueue, workflow, historyLength, stop } = await startEnvironment({
    worker: false,
  });
  const configured = new Cloud(CLOUD, { endpoint: cloud.address, plaintext: true });
  const { activities } = createActivities(new Map([[CLOUD, configured]]), Math.random, 1);
  const workflowsPath = require.resolve('./workflows');
  const stopWorker = await runWorker({ connection, taskQueue, workflowsPath, activities: { ...activities } });
  try {
    const handles: WorkflowHandle[] = [];
    for (let i = 0; i < 2; i++) {
      const operationId = cloud.operation({ after: '3 s', response: { '@type': 'google.protobuf.Empty' } });
      const args: Parameters<typeof awaitOperation> = [{ cloud: CLOUD, operationId }];
      handles.push(await client.workflow.start(awaitOperation, { ...workflow(), args }));
      await until(() => cloud.calls.some((call) => call.operationId === operationId));
    }
    for (const handle of handles) await handle.result();
    const [watched, slept] = [await attempts(handles[0] ?? fail()), await attempts(handles[1] ?? fail())];
    expect(watched).toBe(1);
    expect(slept).toBeGreaterThan(1);
    for (const { workflowId } of handles) expect(await historyLength(workflowId)).toBe(11);
  } finally {
    await stopWorker();
    configured.close();
    await stop();
  }
});

/**
 * Stops a worker with a lease during an outage of Temporal. Returns whether the outage was over by then, and what Temporal
 * knows of the attempt.
 */
async function stopWhileAway(forMs: number): Promise<{ isBack: boolean; reported: string | null | undefined }> {
  const { client, cloud, taskQueue, workflow, stop } = await startEnvironment({ worker: false });
  const between = await relay(process.env.TEMPORAL_ADDRESS ?? '');
  const connection = await NativeConnection.connect({ address: between.address });
  try {
    const workflowsPath = require.resolve('./workflows');
    const stopWorker = await runWorker({ connection, taskQueue, workflowsPath, plugins: [pluginOf(cloud)] });
    const operationId = cloud.operation({ after: '1 h', response: { '@type': 'google.protobuf.Empty' } });
    const args: Parameters<typeof awaitOperation> = [{ cloud: CLOUD, operationId }];
    const handle = await client.workflow.start(awaitOperation, { ...workflow(), args });
    await until(() => cloud.calls.length > 0);
    between.cut(true);
    let isBack = false;
    const back = setTimeout(() => {
      isBack = true;
      between.cut(false);
    }, forMs);
    await stopWorker();
    clearTimeout(back);
    const [activity] = (await handle.describe()).raw.pendingActivities ?? [];
    await handle.terminate();
    return { isBack, reported: activity?.lastFailure?.applicationFailureInfo?.type };
  } finally {
    await connection.close();
    await between.close();
    await stop();
  }
}

test('a worker that stops during a short outage of Temporal ends when it has given its leases back', async () => {
  expect(await stopWhileAway(2_000)).toEqual({ isBack: true, reported: 'OperationRunning' });
});

test('a worker that stops during a long outage of Temporal ends as well, and its leases expire', async () => {
  expect(await stopWhileAway(50_000)).toEqual({ isBack: false, reported: undefined });
});

function fail(): never {
  throw new Error('It was not started');
}
