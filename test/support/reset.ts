import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { until } from './until';

/** Puts a workflow back to its workflow task of that number, from 1, which is done again in the new run that is returned. */
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
