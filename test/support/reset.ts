import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { until } from './until';

/**
 * Resets a workflow to its workflow task of that number, counted from 1. Returns the new run, which executes that task
 * again.
 */
export async function reset(client: Client, workflowId: string, task: number): Promise<WorkflowHandle> {
  const tasks = async () =>
    ((await client.workflow.getHandle(workflowId).fetchHistory()).events ?? []).filter(
      (event) => event.workflowTaskCompletedEventAttributes,
    );
  await until(async () => (await tasks()).length >= task);
  const { runId } = await client.workflowService.resetWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId },
    reason: 'a test',
    requestId: randomUUID(),
    workflowTaskFinishEventId: (await tasks())[task - 1]?.eventId ?? null,
  });
  return client.workflow.getHandle(workflowId, runId);
}
