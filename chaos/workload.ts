import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { ClusterService } from '../src/testing/resources';
import type { RecordedCloud } from './cloud';
import type { WaitPlan } from './plan';
import { CLOUD } from './workflows';

/** How long calls to a server that is down are retried. */
const TRY_FOR_MS = 60_000;

/** The workflow ID of a wait's child. */
export function childIdOf(name: string): string {
  return `${name}-child`;
}

/** Starts the workflow of a wait, and cancels it if planned. Resolves when both are done. */
export async function runWait(client: Client, taskQueue: string, cloud: RecordedCloud, wait: WaitPlan): Promise<void> {
  const { name: workflowId, kind, cancelAfterMs } = wait;
  const { type, args } = invocation(wait, cloud);
  await persist(() =>
    client.workflow.start(type, { taskQueue, workflowId, args }).catch((err: unknown) => {
      // An earlier attempt started it, and its reply was lost.
      if (!(err instanceof WorkflowExecutionAlreadyStartedError)) throw err;
    }),
  );
  if (cancelAfterMs === undefined || kind === 'handleCancel') return;
  await sleep(cancelAfterMs);
  await persist(() =>
    client.workflow
      .getHandle(workflowId)
      .cancel()
      .catch((err: unknown) => {
        // The workflow has already ended.
        if (!(err instanceof WorkflowNotFoundError)) throw err;
      }),
  );
}

function invocation(wait: WaitPlan, cloud: RecordedCloud): { type: string; args: unknown[] } {
  const { name, kind, options, cancelAfterMs } = wait;
  switch (kind) {
    case 'timer':
    case 'activityRetry':
      return { type: 'waitInline', args: [cloud.begin(wait), options] };
    case 'awaitOperation':
      return { type: 'awaitOperation', args: [{ cloud: CLOUD, operationId: cloud.begin(wait), ...options }] };
    case 'child': {
      const input = { cloud: CLOUD, operationId: cloud.begin(wait), ...options };
      return { type: 'waitInChild', args: [input, childIdOf(name)] };
    }
    case 'execute':
      return { type: 'execute', args: [{ name }, options] };
    case 'executeOperation': {
      const method = ClusterService.create.path;
      return { type: 'executeOperation', args: [{ cloud: CLOUD, method, request: { name }, ...options }] };
    }
    case 'handleCancel':
      return { type: 'startAndCancel', args: [{ name }, options, cancelAfterMs ?? 1] };
  }
}

/** Retries until it succeeds, since the server may be down. Rejects with the last error when time is up. */
export async function persist<T>(attempt: () => Promise<T>): Promise<T> {
  const untilMs = Date.now() + TRY_FOR_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (err) {
      if (Date.now() > untilMs) throw err;
      await sleep(500);
    }
  }
}
