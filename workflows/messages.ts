import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { OPERATION_CHANGED_SIGNAL, OPERATION_QUERY, POLL_OPERATION_UPDATE } from '../src/model/names';
import type { OperationSnapshot, ShownOperation } from '../src/model/snapshot';

/** Query of the workflow types: the operation as last seen, and the refusal that its polls meet, if they do. */
export const operationQuery = defineQuery<ShownOperation>(OPERATION_QUERY);
/** Update of the workflow types: polls now, at most once per initial interval, and answers with the snapshot. */
export const pollOperation = defineUpdate<OperationSnapshot>(POLL_OPERATION_UPDATE);
/** Signal of the workflow types: a hint that the operation may have changed, which makes them poll now. */
export const operationChanged = defineSignal(OPERATION_CHANGED_SIGNAL);
