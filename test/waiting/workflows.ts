import { executeChild, proxyActivities } from '@temporalio/workflow';
import { operations, type AnyJson, type OperationMethod, type WaitOptions } from 'temporal-lro/workflow';
import { awaitOperation, executeOperation } from 'temporal-lro/workflow-definitions';
import type * as activities from './activities';

export { awaitOperation, executeOperation };

/** A workflow that starts an operation and waits for it inline. */
export function executed(cloud: string, method: string, options: WaitOptions = {}): Promise<unknown> {
  return operations(cloud).execute(method, { name: 'net' }, options);
}

/** A workflow that waits inline; `method` sets the type of the response. */
export function inline(
  input: {
    cloud: string;
    operationId: string;
    taskQueue?: string;
    method?: OperationMethod<unknown, unknown, unknown>;
  } & WaitOptions,
): Promise<unknown> {
  const { cloud, operationId, taskQueue, ...options } = input;
  return operations(cloud, taskQueue === undefined ? {} : { taskQueue }).wait(operationId, options);
}

/** A workflow whose child waits. */
export function parent(input: { cloud: string; operationId: string } & WaitOptions): Promise<AnyJson> {
  return executeChild(awaitOperation, { args: [input] });
}

const other = proxyActivities<typeof activities>({ startToCloseTimeout: '2 min', retry: { maximumAttempts: 1 } });

/** Keeps an activity on that task queue running while its worker shuts down. */
export function lingering(taskQueue: string): Promise<void> {
  return proxyActivities<typeof activities>({ taskQueue, startToCloseTimeout: '2 min' }).linger();
}

/** Runs an activity that has nothing to do with operations. */
export function unrelated(): Promise<string> {
  return other.unrelated();
}

/** Has an activity retried until the workflow is terminated. */
export function restless(): Promise<void> {
  return proxyActivities<{ fail: () => Promise<void> }>({ startToCloseTimeout: '2 min' }).fail();
}
