// The workflows that docs/cancelling.md shows.
import { CancellationScope, executeChild, ParentClosePolicy } from '@temporalio/workflow';
import { operationFailure, operations, operationScope, operationWorkflowId, type AnyJson } from 'temporal-lro/workflow';
import { awaitOperation } from 'temporal-lro/workflow-definitions';

const yandex = operations('yandex');

/** Gives an operation up, and says what has to be cleaned up. */
export async function giveUp(operationId: string): Promise<unknown> {
  const { outcome, operation } = await yandex.getHandle(operationId).cancel({ cancelTimeout: '10 min' });
  return outcome === 'cancelled' ? undefined : operation.metadata;
}

/** Both or none: when one fails, the other one is cancelled, and has ended when this throws. */
export async function waitForBoth(one: string, other: string): Promise<void> {
  await operationScope(async () => {
    await Promise.all([yandex.wait(one), yandex.wait(other)]);
  });
}

/** Gives up after an hour, and tells how that ended. */
export async function withinAnHour(operationId: string): Promise<AnyJson> {
  return CancellationScope.withTimeout('1 h', () => yandex.wait(operationId));
}

/** The response, or why there is none. */
export async function clusterOf(operationId: string): Promise<string> {
  try {
    const response = await executeChild(awaitOperation, {
      workflowId: operationWorkflowId('yandex', operationId),
      args: [{ cloud: 'yandex', operationId, cancelTimeout: '2 min' }],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    });
    return `created ${String(response.id)}`;
  } catch (err) {
    const failure = operationFailure(err);
    if (failure?.type === 'OperationStillRunning') return `goes on: ${failure.message}`;
    // A cancellation, once the operation is cancelled, or another failure.
    throw err;
  }
}
