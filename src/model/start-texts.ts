import type { JsonObject, OperationStatus } from './snapshot';
import { durationText, shortId, statusText, summary } from './texts';

/** Texts about a start, before the operation exists. */

/** `ClusterService/Create` for `/yandex.cloud.k8s.v1.ClusterService/Create`. */
export function shortMethod(method: string): string {
  return method.slice(method.lastIndexOf('.') + 1).slice(0, 100);
}

/** The summary of an activity that starts an operation: the method and the name of the resource. */
export function startSummary(method: string, { name }: JsonObject): string {
  return summary(typeof name === 'string' && name !== '' ? `${shortMethod(method)} ${name}` : shortMethod(method));
}

/** The summary of a poll of the operation that conflicts with a start. */
export function conflictSummary(operationId: string, poll: number): string {
  return summary(shortId(operationId), 'conflicts with a start', `poll ${poll}`);
}

/** The summary of the timer between two attempts to start. The timeline shows nothing else for a timer. */
export function retrySummary(method: string, { codeName }: OperationStatus, delayMs: number): string {
  return summary(shortMethod(method), codeName, `next try in ${durationText(delayMs)}`);
}

/** Why a start ended as cancelled. */
export function startCancelledText(cloud: string, method: string, end: string): string {
  return `Start of ${cloud} ${shortMethod(method)} cancelled; ${end}`;
}

/** Why a start timed out. Pass the key if the cloud may have started the operation. */
export function notStartedText(
  cloud: string,
  method: string,
  timeoutMs: number,
  last: Pick<OperationStatus, 'codeName' | 'message'>,
  idempotencyKey?: string,
): string {
  const text = `${cloud} ${shortMethod(method)} was not started within ${durationText(timeoutMs)}. The last error was ${statusText(last)}`;
  return idempotencyKey === undefined ? text : perhapsBegunText(text, idempotencyKey);
}

/** Why a start is not repeated, although the operation may have started, and what to look for. */
export function unmarkedText(message: string, api: string, request: JsonObject): string {
  const traits = Object.entries(request).filter(
    ([key, value]) => /^(name|parent)$|id$/i.test(key) && typeof value === 'string',
  );
  const shown = traits.slice(0, 5).map(([key, value]) => `${key} ${JSON.stringify(String(value).slice(0, 200))}`);
  const what =
    shown.length > 0 ? `an operation or a resource with ${shown.join(', ')}` : 'its resource and its operation';
  return `${message}. The operation may have started. It is not started again, since the API ${JSON.stringify(api)} has no mark for a repeated start of this method: look for ${what}, and wait for the operation by its id`;
}

/** Adds to `message` that an earlier attempt may have started the operation. */
export function perhapsBegunText(message: string, idempotencyKey: string): string {
  return `${message}. The operation may have started: a start with idempotencyKey ${idempotencyKey} finds it`;
}
