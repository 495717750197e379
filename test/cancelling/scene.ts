import type { WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import type { FakeCloud } from 'temporal-lro/testing';
import { startEnvironment, type TestEnvironment, type TestEnvironmentOptions } from '../support/environment';

const SERVICE = '/yandex.cloud.operation.OperationService/';

/** A worker with the workflows of this folder, and what the tests observe. */
export interface Scene extends TestEnvironment {
  /** Resolves when the cloud has received `count` polls of the operation. */
  polled: (operationId: string, count?: number) => Promise<void>;
}

export async function startScene(options: TestEnvironmentOptions = {}): Promise<Scene> {
  const workflowsPath = require.resolve('./workflows');
  const worker = options.worker === false ? options.worker : { workflowsPath, ...options.worker };
  const environment = await startEnvironment({ ...options, worker });
  return { ...environment, polled: watchPolls(environment.cloud) };
}

function watchPolls(cloud: FakeCloud): Scene['polled'] {
  const counts = new Map<string, number>();
  const watchers = new Set<() => void>();
  cloud.intercept(({ method, operationId = '', count }) => {
    if (method === `${SERVICE}Get`) counts.set(operationId, count);
    for (const look of watchers) look();
    return undefined;
  });
  return (operationId, count = 1) =>
    new Promise((resolve) => {
      const look = (): void => {
        if ((counts.get(operationId) ?? 0) < count) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
    });
}

/** The number of Cancel calls for the operation. */
export function cancels({ calls }: FakeCloud, id: string): number {
  return calls.filter(({ method, operationId }) => method === `${SERVICE}Cancel` && operationId === id).length;
}

/** An event of a history as JSON, its type without the prefix: `WORKFLOW_TASK_FAILED`. */
export interface HistoryEvent {
  eventType: string;
  userMetadata?: { summary?: { data: string } };
  workflowTaskFailedEventAttributes?: { cause: string };
}

export async function eventsOf(handle: WorkflowHandle): Promise<HistoryEvent[]> {
  const history = JSON.parse(historyToJSON(await handle.fetchHistory())) as { events: HistoryEvent[] };
  return history.events.map((event) => ({ ...event, eventType: event.eventType.replace('EVENT_TYPE_', '') }));
}

/**
 * Why workflow tasks failed, except for UNHANDLED_COMMAND: the server fails the closing task of any workflow that has
 * new events, and the task is then repeated with these events.
 */
export async function taskFailures(handle: WorkflowHandle): Promise<string[]> {
  const causes = (await eventsOf(handle)).flatMap((event) => event.workflowTaskFailedEventAttributes?.cause ?? []);
  return causes.filter((cause) => cause !== 'WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND');
}
