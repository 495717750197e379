// Common hand-written patterns, and the same with this package.
import { proxyActivities, sleep } from '@temporalio/workflow';
import { operations } from 'temporal-lro/workflow';
import type * as activities from './activities';

const once = proxyActivities<typeof activities>({ startToCloseTimeout: '35 s' });
const everySecond = { initialInterval: '1 s', backoffCoefficient: 1 } as const;
const retrying = proxyActivities<typeof activities>({ startToCloseTimeout: '35 s', retry: everySecond });
const beating = proxyActivities<typeof activities>({ startToCloseTimeout: '1 day', heartbeatTimeout: '30 s' });

/** A timer and an activity for each poll. */
export async function timerLoop(operationId: string): Promise<void> {
  while (!(await once.isDone(operationId))) await sleep('1 s');
}

/** One activity that fails, and is retried, until the operation is done. */
export function activityRetry(operationId: string): Promise<void> {
  return retrying.failUntilDone(operationId);
}

/** One activity that polls in a loop and heartbeats. */
export function heartbeatLoop(operationId: string): Promise<void> {
  return beating.loopUntilDone(operationId);
}

/** The same schedule for a reply that reads the operation. */
export async function temporalLroUntil(operationId: string): Promise<void> {
  const method = '/yandex.cloud.operation.OperationService/Get';
  await operations('bench').until(method, { operationId }, { match: { done: true } });
}

export async function temporalLro(operationId: string): Promise<void> {
  await operations('bench').wait(operationId);
}
