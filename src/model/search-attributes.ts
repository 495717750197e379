import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';

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
