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

/** Why the time that a caller gave was not enough, and what became of the operation. */
export function timedOutText(
  cloud: string,
  operationId: string,
  timeoutMs: number,
  seen: { operation?: OperationSnapshot; lastPolledAt?: string },
  cancel?: { outcome: string; refused?: OperationStatus },
): string {
  const { operation, lastPolledAt } = seen;
  const name = operationName(cloud, operationId, operation?.description);
  const missed = `${name} did not end within ${durationText(timeoutMs)}`;
  if (cancel?.outcome === 'cancelled') return `${missed}, and was cancelled`;
  const state = operation && lastPolledAt ? `it was ${operation.state} at ${lastPolledAt}` : 'it was never seen';
  return `${missed}: ${state}, and ${goesOn(cancel)}`;
}

function goesOn(cancel: { refused?: OperationStatus } | undefined): string {
  if (!cancel) return 'it goes on in the cloud';
  return cancel.refused
    ? `the cloud refused to cancel it (${statusText(cancel.refused)}), so it goes on`
    : 'the cloud has not confirmed that it is cancelled';
}

/** Why a cancelled caller cannot be told how the operation ended. */
export function stillRunningText(
  operation: OperationSnapshot,
  cancelTimeoutMs: number,
  refused?: OperationStatus,
): string {
  const name = operationName(operation.cloud, operation.id, operation.description);
  const why = refused
    ? `the cloud refused to cancel it (${statusText(refused)})`
    : 'the cloud has not confirmed that it is cancelled';
  return `${name} is still ${operation.state}: ${why}, and it did not end within ${durationText(cancelTimeoutMs)}`;
}

/** Why a wait ended as cancelled. */
export function cancelledText(cloud: string, operationId: string, end: string): string {
  return `Wait cancelled; ${operationName(cloud, operationId)} ${end}`;
}

/** The summary of the activity that cancels. */
export function cancelSummary(operationId: string): string {
  return cut(operationId, 100);
}

/** The summary of the timer that ends a wait. */
export function deadlineSummary(operationId: string): string {
  return `${cut(operationId, 100)} · timeout of the wait`;
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
