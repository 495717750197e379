import type { WorkflowHandle } from '@temporalio/client';
import { createActivities } from '../../activities';
import { Cloud } from '../../src/cloud/cloud';
import { CLOUD, runWorker, startEnvironment } from '../support/environment';
import { awaitOperation } from './workflows';

async function attempts(handle: WorkflowHandle): Promise<number> {
  const { events } = await handle.fetchHistory();
  return Math.max(...(events ?? []).map((event) => event.activityTaskStartedEventAttributes?.attempt ?? 0));
}

test('beyond the number of leases that a worker may hold, waits are slept by activity retries', async () => {
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
      while (!cloud.calls.some((call) => call.operationId === operationId)) await new Promise(setImmediate);
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

function fail(): never {
  throw new Error('It was not started');
}
