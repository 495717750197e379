import { OPERATION_ID, OPERATION_RESOURCE, OPERATION_STATE } from '../src/model/names';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { ShownOperation } from '../src/model/snapshot';
import { currentDetails, resourceOfOperation } from '../src/model/texts';

/**
 * Shows an operation in the current details of its workflow, which cost nothing, and in the search attributes that the
 * workflow was started with; an unregistered one would fail the workflow task forever. Only for our workflow types,
 * never in a user's workflow.
 */
export function showOperation(operation: ShownOperation): void {
  setCurrentDetails(currentDetails(operation));
  const shown = workflowInfo().typedSearchAttributes;
  const seen = [
    // A workflow that starts its operation learns the id only now.
    { key: OPERATION_ID, value: operation.id },
    { key: OPERATION_STATE, value: operation.state },
    { key: OPERATION_RESOURCE, value: resourceOfOperation(operation) },
  ];
  const changes: SearchAttributeUpdatePair[] = [];
  for (const { key, value } of seen) {
    const former = shown.get(key);
    if (former !== undefined && value !== undefined && former !== value) changes.push({ key, value });
  }
  // Each upsert is an event and an Action.
  if (changes.length > 0) upsertSearchAttributes(changes);
}
