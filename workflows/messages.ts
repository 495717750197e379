import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ShownResource } from '../src/model/match';
import {
  OPERATION_CHANGED_SIGNAL,
  OPERATION_QUERY,
  POLL_OPERATION_UPDATE,
  POLL_RESOURCE_UPDATE,
  RESOURCE_CHANGED_SIGNAL,
  RESOURCE_QUERY,
} from '../src/model/names';
import type { OperationSnapshot, ShownOperation } from '../src/model/snapshot';

/** Query of the workflow types: returns the operation as last seen, and the error that its polls meet now, if any. */
export const operationQuery = defineQuery<ShownOperation>(OPERATION_QUERY);
/** Update of the workflow types: polls now, at most once per initial interval, and returns the snapshot. */
export const pollOperation = defineUpdate<OperationSnapshot>(POLL_OPERATION_UPDATE);
/** Signal of the workflow types: hints that the operation may have changed. The workflow polls it soon. */
export const operationChanged = defineSignal(OPERATION_CHANGED_SIGNAL);

/** Query of `awaitResource`: returns what the wait wants and last saw, and the error that its polls meet now, if any. */
export const resourceQuery = defineQuery<ShownResource>(RESOURCE_QUERY);
/** Update of `awaitResource`: polls now, at most once per initial interval, and returns what it saw, with the reply. */
export const pollResource = defineUpdate<ShownResource>(POLL_RESOURCE_UPDATE);
/** Signal of `awaitResource`: hints that the resource may have changed. The workflow polls it soon. */
export const resourceChanged = defineSignal(RESOURCE_CHANGED_SIGNAL);
