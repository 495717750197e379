import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';

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

/**
 * The names of our metrics, as they appear in Prometheus (where the SDK may be told to add `_total` and units). Their only
 * own labels are `cloud`, `code` (of a google.rpc.Code, or OK), `outcome` and `result`: few values, never an id.
 */
export const METRICS = {
  polls: { name: 'temporal_lro_polls', description: 'Calls of OperationService.Get, by their status code' },
  pollLatency: { name: 'temporal_lro_poll_latency', unit: 'ms', description: 'How long a Get took' },
  cancels: { name: 'temporal_lro_cancels', description: 'Calls of OperationService.Cancel, by their status code' },
  starts: { name: 'temporal_lro_starts', description: 'Calls of methods that start operations, by their status code' },
  startConflicts: {
    name: 'temporal_lro_start_conflicts',
    description: 'Starts that had to wait for another operation on the same resource',
  },
  tokenExchanges: { name: 'temporal_lro_token_exchanges', description: 'Tokens asked for, by result: ok or error' },
  watchedOperations: { name: 'temporal_lro_watched_operations', description: 'Waits that this worker is watching now' },
  reportFailures: {
    name: 'temporal_lro_report_failures',
    description: 'Reports of watched operations that Temporal or a payload codec did not accept',
  },
  waits: { name: 'temporal_lro_waits', description: 'Waits that ended, by outcome' },
  lateness: {
    name: 'temporal_lro_wait_lateness',
    unit: 'ms',
    description: "From an operation's last modification by the cloud's clock to the end of its wait by Temporal's",
  },
} as const;

/** Search attributes of a workflow that awaits an operation, all of them Keywords. Opt-in: nothing sets them by itself. */
export const OPERATION_CLOUD = defineSearchAttributeKey('OperationCloud', 'KEYWORD');
export const OPERATION_ID = defineSearchAttributeKey('OperationId', 'KEYWORD');
export const OPERATION_STATE = defineSearchAttributeKey('OperationState', 'KEYWORD');
export const OPERATION_RESOURCE = defineSearchAttributeKey('OperationResource', 'KEYWORD');

/**
 * The search attributes with which to start `awaitOperation` so that it can be found by them, for
 * `typedSearchAttributes`: OperationCloud, OperationId, OperationState (`running`, `rollingBack`, `succeeded`, `failed`)
 * and OperationResource, the id of what the operation works on. The workflow keeps the last two up to date, at an Action
 * for each change; `executeOperation`, started with an empty `operationId`, the last three. The server refuses the start unless all four are registered in the namespace; of a child it fails the
 * parent's workflow task instead, again and again.
 */
export function operationSearchAttributes(cloud: string, operationId: string, resource = ''): SearchAttributePair[] {
  return [
    { key: OPERATION_CLOUD, value: cloud },
    { key: OPERATION_ID, value: operationId },
    { key: OPERATION_STATE, value: 'running' },
    { key: OPERATION_RESOURCE, value: resource },
  ];
}

/** Registers them in a namespace. */
export const REGISTER_SEARCH_ATTRIBUTES = `temporal operator search-attribute create${[
  OPERATION_CLOUD,
  OPERATION_ID,
  OPERATION_STATE,
  OPERATION_RESOURCE,
]
  .map(({ name }) => ` --name ${name} --type Keyword`)
  .join('')}`;
