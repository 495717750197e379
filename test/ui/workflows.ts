import { ChildWorkflowFailure, executeChild } from '@temporalio/workflow';
import { operations, operationWorkflowId } from 'temporal-lro/workflow';
import { awaitOperation } from 'temporal-lro/workflow-definitions';
import { NetworkService } from '../../src/testing/resources';

export * from 'temporal-lro/workflow-definitions';

const cloud = 'yandex';

/** A typical parent: it starts an operation, and lets children wait for two more. */
export async function provision(failing: string, running: string): Promise<void> {
  await operations(cloud, { poll: { initialInterval: '100 ms' } }).execute(NetworkService.create, { name: 'net' });
  const child = (operationId: string, staticSummary: string): Promise<unknown> =>
    executeChild(awaitOperation, {
      workflowId: operationWorkflowId(cloud, operationId),
      args: [{ cloud, operationId, poll: { initialInterval: '5 s' } }],
      staticSummary,
      staticDetails: `Operation \`${operationId}\``,
    });
  await child(failing, 'Create node group gpu').catch((err: unknown) => {
    if (!(err instanceof ChildWorkflowFailure)) throw err;
  });
  await child(running, 'Create cluster pg-prod');
}
