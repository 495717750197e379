import type { OperationSnapshot, OperationStatus } from './snapshot';

/** What people read in the Temporal UI, in logs and in errors. Pure, and each text bounded. */

const MAXIMUM_STATUS_LENGTH = 1000;

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/** `yandex operation fcm… (Create cluster)` */
export function operationName(cloud: string, operationId: string, description?: string): string {
  return `${cloud} operation ${cut(operationId, 100)}${description ? ` (${cut(description, 256)})` : ''}`;
}

/** `RESOURCE_EXHAUSTED: The limit … has been exceeded` */
export function statusText(status: Pick<OperationStatus, 'codeName' | 'message'>): string {
  return `${status.codeName}: ${cut(status.message || 'no message', MAXIMUM_STATUS_LENGTH)}`;
}

/** How an operation ended badly, for a failure's message. */
export function endedText(operation: OperationSnapshot & { state: 'failed' | 'rollingBack' }): string {
  const name = operationName(operation.cloud, operation.id, operation.description);
  const verb = operation.state === 'rollingBack' ? 'failed and is being rolled back' : 'failed';
  return `${name} ${verb}: ${statusText(operation.error)}`;
}

/** The summary of an activity that polls; the activity's type stands before it. */
export function pollSummary(operationId: string, poll: number): string {
  return `${cut(operationId, 100)} · poll ${poll}`;
}

/** The summary of the timer between two polls: it stands alone in the timeline. */
export function timerSummary(operation: OperationSnapshot, intervalMs: number): string {
  return cut(`${cut(operation.id, 100)} · ${operation.state} · next poll in ${durationText(intervalMs)}`, 200);
}

/** `850 ms`, `12 s`, `5 min`, `3 h` */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}
