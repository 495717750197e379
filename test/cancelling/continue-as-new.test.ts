import type { WorkflowHandle } from '@temporalio/client';
import { operationChanged, operationWorkflowId, pollOperation } from 'temporal-lro';
import { CLOUD, pluginOf, runWorker } from '../support/environment';
import { startTemporalProcess, type TemporalProcess } from '../support/temporal-process';
import { until } from '../support/until';
import { cancels, eventsOf, startScene, taskFailures, type Scene } from './scene';
import * as workflows from './workflows';

const LONG = { after: '1 h', response: { '@type': 'google.protobuf.Empty' } } as const;
/** The number of events after which the server suggests continue-as-new; 4,096 by default. */
const LONG_HISTORY = 20;

let server: TemporalProcess;
let scene: Scene;
/** Separate workers for workflows and for activities, so that a test can make two events arrive in the same task. */
let workflowWorker: { connection: Scene['connection']; taskQueue: string; workflowsPath: string };
let activityWorker: Parameters<typeof runWorker>[0];

beforeAll(async () => {
  server = await startTemporalProcess([`limit.historyCount.suggestContinueAsNew=${LONG_HISTORY}`]);
  scene = await startScene({ address: server.address, worker: false });
  const { connection, cloud, taskQueue } = scene;
  workflowWorker = { connection, taskQueue, workflowsPath: require.resolve('./workflows') };
  activityWorker = { connection, taskQueue: `${taskQueue}-activities`, plugins: [pluginOf(cloud)] };
});
afterAll(async () => {
  await scene.stop();
  await server.remove();
});

function startWait(operationId: string): Promise<WorkflowHandle> {
  return scene.client.workflow.start(workflows.awaitOperation, {
    taskQueue: scene.taskQueue,
    workflowId: operationWorkflowId(CLOUD, operationId),
    args: [{ cloud: CLOUD, operationId, taskQueue: activityWorker.taskQueue, poll: { initialInterval: '5 s' } }],
  });
}

/** Fills the history with signals that have no handler. */
async function lengthen(handle: WorkflowHandle): Promise<void> {
  for (let i = 0; i < LONG_HISTORY; i++) await handle.signal('noise');
}

async function untilEvent(handle: WorkflowHandle, type: string): Promise<void> {
  await until(async () => (await eventsOf(handle)).some(({ eventType }) => eventType === type));
}

async function expectCancelled(operationId: string, handle: WorkflowHandle): Promise<void> {
  await expect(handle.result()).rejects.toThrow();
  expect((await handle.describe()).status.name).toBe('CANCELLED');
  expect(cancels(scene.cloud, operationId)).toBe(1);
  expect(await taskFailures(handle)).toEqual([]);
}

/** A wait whose history grows long while its first poll is in flight: its next task continues as new. */
async function aboutToContinue(operationId: string): Promise<WorkflowHandle> {
  const stop = await runWorker(workflowWorker);
  const handle = await startWait(operationId);
  await untilEvent(handle, 'ACTIVITY_TASK_SCHEDULED');
  await stop();
  await lengthen(handle);
  const stopActivities = await runWorker(activityWorker);
  await untilEvent(handle, 'ACTIVITY_TASK_COMPLETED');
  await stopActivities();
  return handle;
}

test('a cancellation that arrives together with the last poll before continue-as-new is not lost', async () => {
  const operationId = scene.cloud.operation(LONG);
  const handle = await aboutToContinue(operationId);
  await handle.cancel();
  const stop = [await runWorker(workflowWorker), await runWorker(activityWorker)];
  await expectCancelled(operationId, handle);
  for (const end of stop) await end();
});

test('a wait that has continued as new can be cancelled', async () => {
  const operationId = scene.cloud.operation(LONG);
  const first = await aboutToContinue(operationId);
  const { runId } = await first.describe();
  const stop = [await runWorker(workflowWorker), await runWorker(activityWorker)];
  await untilEvent(scene.client.workflow.getHandle(first.workflowId, runId), 'WORKFLOW_EXECUTION_CONTINUED_AS_NEW');
  const second = scene.client.workflow.getHandle(first.workflowId);
  await second.cancel();
  await expectCancelled(operationId, second);
  for (const end of stop) await end();
});

test('no cancellation is lost while waits continue as new', async () => {
  const stop = [await runWorker(workflowWorker), await runWorker(activityWorker)];
  const ids = Array.from({ length: 20 }, () => scene.cloud.operation(LONG));
  await Promise.all(
    ids.map(async (operationId) => {
      await startWait(operationId);
      // Without a run ID the handle addresses the latest run.
      const handle = scene.client.workflow.getHandle(operationWorkflowId(CLOUD, operationId));
      await scene.polled(operationId);
      await lengthen(handle);
      await handle.cancel();
      await expectCancelled(operationId, handle);
    }),
  );
  for (const end of stop) await end();
});

test('by activityRetry, a wait also continues as new while its one poll is pending, however fast signals arrive', async () => {
  const stop = [await runWorker(workflowWorker), await runWorker(activityWorker)];
  try {
    const operationId = scene.cloud.operation({ ...LONG, onCancel: 'completes' });
    const workflowId = operationWorkflowId(CLOUD, operationId);
    const poll = { by: 'activityRetry', initialInterval: '100 ms' } as const;
    const first = await scene.client.workflow.start(workflows.awaitOperation, {
      taskQueue: scene.taskQueue,
      workflowId,
      args: [{ cloud: CLOUD, operationId, taskQueue: activityWorker.taskQueue, poll }],
    });
    await scene.polled(operationId);
    // Without a run ID the handle addresses the latest run.
    const handle = scene.client.workflow.getHandle(workflowId);
    let runs = 0;
    for (let i = 0, runId = first.firstExecutionRunId; runs < 3; i++) {
      await handle.signal(operationChanged);
      expect(await handle.executeUpdate(pollOperation)).toMatchObject({ id: operationId, state: 'running' });
      const latest = (await handle.describe()).runId;
      if (latest !== runId) runs++;
      runId = latest;
      // A run that did not continue as new would see all of these messages.
      expect(i).toBeLessThan(10 * LONG_HISTORY);
    }
    // A run ends with its first poll after it has grown long: it may take some more messages until then.
    const { events } = await scene.client.workflow.getHandle(workflowId, first.firstExecutionRunId).fetchHistory();
    expect(events?.length).toBeLessThan(30 * LONG_HISTORY);
    expect(await taskFailures(handle)).toEqual([]);
    await handle.cancel();
    expect(await handle.result()).toEqual({ '@type': 'type.googleapis.com/google.protobuf.Empty' });
  } finally {
    for (const end of stop) await end();
  }
});
