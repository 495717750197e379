import type { JsonObject, OperationStatus } from './snapshot';
import { durationText, shortId, statusText, summary } from './texts';

/** What people read of a start, before there is an operation. */

/** `ClusterService/Create` of `/yandex.cloud.k8s.v1.ClusterService/Create`. */
function shortMethod(method: string): string {
  return method.slice(method.lastIndexOf('.') + 1).slice(0, 100);
}

/** The summary of an activity that starts an operation: the method, and the name of what it works on. */
export function startSummary(method: string, { name }: JsonObject): string {
  return summary(typeof name === 'string' && name !== '' ? `${shortMethod(method)} ${name}` : shortMethod(method));
}

/** The summary of a poll of the operation that is in the way of a start. */
export function conflictSummary(operationId: string, poll: number): string {
  return summary(shortId(operationId), 'in the way of a start', `poll ${poll}`);
}

/** The summary of the timer between two tries to start: it stands alone in the timeline. */
export function retrySummary(method: string, { codeName }: OperationStatus, delayMs: number): string {
  return summary(shortMethod(method), codeName, `next try in ${durationText(delayMs)}`);
}

/** Why a start ended as cancelled. */
export function startCancelledText(cloud: string, method: string, end: string): string {
  return `Start of ${cloud} ${shortMethod(method)} cancelled; ${end}`;
}

/** Why a start was given up. With a key where the cloud may have begun the operation all the same. */
export function notStartedText(
  cloud: string,
  method: string,
  timeoutMs: number,
  last: Pick<OperationStatus, 'codeName' | 'message'>,
  idempotencyKey?: string,
): string {
  const text = `${cloud} ${shortMethod(method)} was not started within ${durationText(timeoutMs)}, last because of ${statusText(last)}`;
  return idempotencyKey === undefined ? text : perhapsBegunText(text, idempotencyKey);
}

/** Where an attempt before may have begun the operation. */
export function perhapsBegunText(message: string, idempotencyKey: string): string {
  return `${message}. It may have been begun all the same: a start with idempotencyKey ${idempotencyKey} finds it`;
}
