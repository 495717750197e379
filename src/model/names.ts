import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';

// Wire names. Workflows and workers of different versions share them, so changing one is a breaking change.

/** Activity: one poll of an operation, or a leased watch of it. */
export const GET_ACTIVITY = 'operation.get';
/** Activity: an attempt to start an operation. */
export const START_ACTIVITY = 'operation.start';
/** Activity: polls, then asks the cloud to cancel unless the operation is done. */
export const CANCEL_ACTIVITY = 'operation.cancel';

/** Activity: a call of a method that starts no operation. */
export const CALL_ACTIVITY = 'operation.call';

/** Activity: one poll of a reading method until its reply matches, or a leased watch of it. */
export const UNTIL_ACTIVITY = 'operation.until';

/** Query: returns the operation as last seen. */
export const OPERATION_QUERY = 'operation';
/** Update: polls now and returns the snapshot. */
export const POLL_OPERATION_UPDATE = 'pollOperation';
/** Signal: tells the workflow that the operation may have changed. */
export const OPERATION_CHANGED_SIGNAL = 'operationChanged';

/** Query: returns what a wait for a reply last saw. */
export const RESOURCE_QUERY = 'resource';
/** Update: polls now and returns the reply. */
export const POLL_RESOURCE_UPDATE = 'pollResource';
/** Signal: tells the workflow that the resource may have changed. */
export const RESOURCE_CHANGED_SIGNAL = 'resourceChanged';

/** Random stream for jitter, separate from the user's `Math.random`. */
export const JITTER_STREAM = 'temporal-lro/jitter';
/** Random stream for idempotency keys, separate so that other randomness in a workflow does not change them. */
export const KEY_STREAM = 'temporal-lro/idempotency-key';

/** Request header that identifies a start, so that a repeated start returns the same operation. */
export const IDEMPOTENCY_KEY_HEADER = 'idempotency-key';
/** Response header of Get: whole seconds to wait before the next poll. Sent by Yandex Cloud, undocumented. */
export const POLL_INTERVAL_HEADER = 'x-operation-poll-interval';

/** The id of the workflow that awaits an operation: `operation/<cloud>/<operationId>`. */
export function operationWorkflowId(cloud: string, operationId: string): string {
  return `operation/${cloud}/${operationId}`;
}

/**
 * The metrics of this package, by their Prometheus names (the SDK may add `_total` and units). Their labels are
 * `cloud`, `code` (the name of a google.rpc.Code), `outcome` and `result`: few values, never an id.
 */
export const METRICS = {
  polls: { name: 'temporal_lro_polls', description: 'Calls of OperationService.Get, by their status code' },
  pollLatency: { name: 'temporal_lro_poll_latency', unit: 'ms', description: 'How long a Get took' },
  cancels: { name: 'temporal_lro_cancels', description: 'Calls of OperationService.Cancel, by their status code' },
  starts: { name: 'temporal_lro_starts', description: 'Calls of methods that start operations, by their status code' },
  calls: { name: 'temporal_lro_calls', description: 'Calls of methods that start no operation, by their status code' },
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

/** Keyword search attributes of a workflow that awaits an operation. Opt-in: set only if the starter sets them. */
export const OPERATION_CLOUD = defineSearchAttributeKey('OperationCloud', 'KEYWORD');
export const OPERATION_ID = defineSearchAttributeKey('OperationId', 'KEYWORD');
export const OPERATION_STATE = defineSearchAttributeKey('OperationState', 'KEYWORD');
export const OPERATION_RESOURCE = defineSearchAttributeKey('OperationResource', 'KEYWORD');

/**
 * Search attributes to start `awaitOperation` or `executeOperation` with, as `typedSearchAttributes`: OperationCloud,
 * OperationId, OperationState (`running`, `rollingBack`, `succeeded`, `failed`) and OperationResource, the id of the
 * resource that the operation works on. `awaitOperation` keeps the last two up to date; each change costs an Action.
 * Start `executeOperation` with an empty `operationId`; it keeps the last three up to date. All four must be registered
 * in the namespace, or the server refuses the start; for a child workflow, the parent's workflow task fails repeatedly.
 */
export function operationSearchAttributes(cloud: string, operationId: string, resource = ''): SearchAttributePair[] {
  return [
    { key: OPERATION_CLOUD, value: cloud },
    { key: OPERATION_ID, value: operationId },
    { key: OPERATION_STATE, value: 'running' },
    { key: OPERATION_RESOURCE, value: resource },
  ];
}

/** The command that registers the search attributes in a namespace. */
export const REGISTER_SEARCH_ATTRIBUTES = `temporal operator search-attribute create${[
  OPERATION_CLOUD,
  OPERATION_ID,
  OPERATION_STATE,
  OPERATION_RESOURCE,
]
  .map(({ name }) => ` --name ${name} --type Keyword`)
  .join('')}`;
