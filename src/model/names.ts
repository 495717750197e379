// Names on the wire. Workflows and workers of different versions meet by them: a change is a breaking change.

/** Activity: one poll of an operation, or a leased watch of it. */
export const GET_ACTIVITY = 'operation.get';
/** Activity: an attempt to start an operation. */
export const START_ACTIVITY = 'operation.start';
/** Activity: polls, then asks the cloud to cancel unless the operation is done. */
export const CANCEL_ACTIVITY = 'operation.cancel';

/** Query: the operation as last seen. */
export const OPERATION_QUERY = 'operation';
/** Update: polls now and answers with the snapshot. */
export const POLL_OPERATION_UPDATE = 'pollOperation';
/** Signal: a hint that the operation has changed. */
export const OPERATION_CHANGED_SIGNAL = 'operationChanged';

/** Random stream for jitter, apart from the user's own `Math.random`. */
export const JITTER_STREAM = 'temporal-lro/jitter';
/** Random stream for idempotency keys: drawn apart, so that other randomness in a workflow does not change them. */
export const KEY_STREAM = 'temporal-lro/idempotency-key';

/** Request header that names a start, so that a repeated one returns the same operation. */
export const IDEMPOTENCY_KEY_HEADER = 'idempotency-key';
/** Response header of Get: whole seconds to wait until the next poll. Sent by Yandex Cloud, undocumented. */
export const POLL_INTERVAL_HEADER = 'x-operation-poll-interval';

/** The id of the workflow that awaits an operation: `operation/<cloud>/<operationId>`. */
export function operationWorkflowId(cloud: string, operationId: string): string {
  return `operation/${cloud}/${operationId}`;
}
