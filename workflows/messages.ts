import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { OPERATION_CHANGED_SIGNAL, OPERATION_QUERY, POLL_OPERATION_UPDATE } from '../src/model/names';
import type { OperationSnapshot, ShownOperation } from '../src/model/snapshot';

/** Query of the workflow types: returns the operation as last seen, and the error that its polls meet now, if any. */
export const operationQuery = defineQuery<ShownOperation>(OPERATION_QUERY);
/** Update of the workflow types: polls now, at most once per initial interval, and returns the snapshot. */
export const pollOperation = defineUpdate<OperationSnapshot>(POLL_OPERATION_UPDATE);
/** Signal of the workflow types: hints that the operation may have changed. The workflow polls it soon. */
export const operationChanged = defineSignal(OPERATION_CHANGED_SIGNAL);
