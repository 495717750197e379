// Entry 'temporal-lro/workflow-definitions': workflow types and nothing else, since every exported function of a workflow
// module is one. `export *` it from your own workflows, or serve it from a dedicated worker.
import { allHandlersFinished, CancellationScope, condition, continueAsNew, setHandler } from '@temporalio/workflow';
import { isLeftOut, plainObject, resolveWaitOptions, type WaitOptions } from '../src/model/options';
import type { AnyJson } from '../src/model/snapshot';
import { reported } from './failures';
import { operationChanged, operationQuery, pollOperation } from './messages';
import { HistoryTooLong } from './poll';
import { showOperation } from './show';
import { beginWait, continuedWait, type WaitState } from './state';
import { resolveTarget } from './target';
import { OperationWait } from './wait';

/**
 * Workflow type: waits until an operation is done and returns its response, or fails with an ApplicationFailure that
 * `operationFailure()` reads. Give it the id `operationWorkflowId(cloud, operationId)`, so that an operation has one
 * wait. Continues as new before its history grows long; `continued` is what it then hands to itself.
 */
export async function awaitOperation(
  input: { cloud: string; operationId: string; taskQueue?: string } & WaitOptions,
  continued?: WaitState,
): Promise<AnyJson> {
  let state: WaitState = { ...beginWait(), onPoll: showOperation };
  setHandler(operationQuery, () => state.operation ?? { cloud: input.cloud, id: input.operationId, state: 'running' }, {
    description: 'The operation as last seen',
  });
  return reported(input, async () => {
    if (!isLeftOut(continued)) state = { ...continuedWait(continued), onPoll: showOperation };
    const { cloud, operationId, taskQueue, ...options } = plainObject('input', input);
    const target = resolveTarget(cloud, operationId, taskQueue);
    const wait = new OperationWait(target, resolveWaitOptions(options), state, 'continueAsNew');
    setHandler(pollOperation, () => wait.lookNow(), {
      description: 'Poll the operation now, and answer with what it is',
    });
    setHandler(operationChanged, () => wait.lookNow().then(ignore, ignore), {
      description: 'The operation may have changed: poll it now',
    });
    try {
      const { response } = await wait.run();
      await handlersFinished();
      return response;
    } catch (err) {
      if (err instanceof HistoryTooLong) {
        const { onPoll: _, ...carried } = state;
        return await continueAsNew<typeof awaitOperation>(input, carried);
      }
      await handlersFinished();
      throw err;
    }
  });
}

/** Callers of an update get their answer before the workflow closes, also while it is being cancelled. */
function handlersFinished(): Promise<void> {
  return CancellationScope.nonCancellable(() => condition(allHandlersFinished));
}

/** Whether a hint led to a poll is told by the wait itself. */
function ignore(): void {}
