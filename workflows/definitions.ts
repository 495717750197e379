// Entry 'temporal-lro/workflow-definitions': workflow types and nothing else, since every exported function of a workflow
// module is one. `export *` it from your own workflows, or serve it from a dedicated worker.
import { setHandler } from '@temporalio/workflow';
import { plainObject, resolveWaitOptions, type WaitOptions } from '../src/model/options';
import type { AnyJson } from '../src/model/snapshot';
import { reported } from './failures';
import { operationQuery } from './messages';
import { resolveTarget } from './target';
import { beginWait, waitForOperation } from './wait';

/**
 * Workflow type: waits until an operation is done and returns its response, or fails with an ApplicationFailure that
 * `operationFailure()` reads. Give it the id `operationWorkflowId(cloud, operationId)`, so that an operation has one wait.
 */
export async function awaitOperation(
  input: { cloud: string; operationId: string; taskQueue?: string } & WaitOptions,
): Promise<AnyJson> {
  const state = beginWait();
  setHandler(operationQuery, () => state.operation ?? { cloud: input.cloud, id: input.operationId, state: 'running' }, {
    description: 'The operation as last seen',
  });
  return reported(input, async () => {
    const { cloud, operationId, taskQueue, ...options } = plainObject('input', input);
    const target = resolveTarget(cloud, operationId, taskQueue);
    return (await waitForOperation(target, resolveWaitOptions(options), state)).response;
  });
}
