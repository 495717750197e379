// Entry 'temporal-lro/workflow-definitions': exports only workflow types, since every exported function of a workflow
// module is one. `export *` it from your own workflows, or serve it from a dedicated worker.
import { setHandler, workflowInfo } from '@temporalio/workflow';
import { isNil, plainObject } from '../src/model/check';
import { resolveStartOptions, resolveWaitOptions, type StartOptions, type WaitOptions } from '../src/model/options';
import {
  isDone,
  type AnyJson,
  type JsonObject,
  type OperationSnapshot,
  type ShownOperation,
} from '../src/model/snapshot';
import { withCallerFailure, retryable } from './failures';
import { operationChanged, operationQuery, pollOperation } from './messages';
import { handlersFinished, ignore, runToEnd } from './run';
import { showOperation } from './show';
import { OperationStart, resolveStart } from './start';
import { beginWait, continuedWait, recordPoll, shownOperation, type WaitState } from './state';
import { knownStart, resolveTarget } from './target';
import { OperationWait } from './operation-wait';

export { awaitResource } from './await-resource';

type AwaitOperationInput = {
  cloud: string;
  operationId: string;
  taskQueue?: string;
  method?: string;
  service?: string;
} & WaitOptions;
type ExecuteOperationInput = { cloud: string; method: string; request: JsonObject; taskQueue?: string } & WaitOptions &
  StartOptions;

/**
 * Workflow type: waits until an operation is done and returns its response. Fails with an ApplicationFailure that
 * `operationFailure()` reads. Use the workflow id `operationWorkflowId(cloud, operationId)`, so that each operation has
 * one wait. `method` is the path of the method that started the operation, if the response must have its type; where an
 * API has no host for all operations, it or `service` (a proto service or package) says whose host has this one.
 * Continues as new before its history grows long.
 */
export function awaitOperation(input: AwaitOperationInput): Promise<AnyJson>;
export async function awaitOperation(input: AwaitOperationInput, continued?: unknown): Promise<AnyJson> {
  let state: WaitState = beginWait();
  const shown = (): ShownOperation => shownOperation(input.cloud, input.operationId, state);
  const onPoll = (): void => showOperation(shown());
  setHandler(operationQuery, shown, { description: 'The operation as last seen' });
  return withCallerFailure(input, async () => {
    state = { ...(isNil(continued) ? state : continuedWait(continued)), onPoll };
    const { cloud, operationId, taskQueue, method, service, ...options } = plainObject('input', input);
    const target = resolveTarget(cloud, operationId, taskQueue, { method, service });
    const wait = new OperationWait(target, resolveWaitOptions(options), state, 'continueAsNew');
    handleMessages(input, Promise.resolve(wait));
    return (await runToEnd(wait, input)).response;
  });
}

/**
 * Workflow type: starts an operation exactly once, even across crashes, waits until it is done and returns its
 * response. Fails as {@link awaitOperation} does; the failure is retryable if the operation failed with a transient
 * code. With a retry policy, each workflow attempt starts another operation unless the input has an `idempotencyKey`.
 * Continues as new before its history grows long.
 */
export function executeOperation(input: ExecuteOperationInput): Promise<AnyJson>;
export async function executeOperation(input: ExecuteOperationInput, continued?: unknown): Promise<AnyJson> {
  let state: WaitState = beginWait();
  const shown = (): ShownOperation => shownOperation(input.cloud, '', state);
  const onPoll = (): void => showOperation(shown());
  setHandler(operationQuery, shown, { description: 'The operation as last seen; without an id until it has started' });
  return withCallerFailure(input, async () => {
    // The server gives a retry the arguments of the failed run. A run that continues as new is a first attempt.
    const isContinued = !isNil(continued) && workflowInfo().attempt === 1;
    state = { ...(isContinued ? continuedWait(continued) : state), onPoll };
    const { cloud, method, request, taskQueue, idempotencyKey, startTimeout, ...own } = plainObject('input', input);
    const startOptions = resolveStartOptions({ idempotencyKey, startTimeout });
    const options = resolveWaitOptions(own);
    const begin = async (): Promise<OperationWait> => {
      if (!state.operation) {
        const start = resolveStart(cloud, method, request, taskQueue, startOptions);
        const operation = await new OperationStart(start, startOptions, options).run();
        state = { ...beginWait(), onPoll };
        recordPoll(state, operation);
      }
      const { operation } = state;
      // An operation that is done is never polled, so its id need not be valid.
      const isOver = operation !== undefined && isDone(operation);
      const target = isOver
        ? { cloud: operation.cloud, operationId: operation.id }
        : resolveTarget(cloud, operation?.id, taskQueue, operation && knownStart(method, operation));
      return new OperationWait(target, options, state, 'continueAsNew');
    };
    const wait = begin();
    handleMessages(input, wait);
    try {
      await wait;
    } catch (err) {
      await handlersFinished();
      throw err;
    }
    return retryable(async () => (await runToEnd(await wait, input)).response);
  });
}

/** Sets the handlers of these two workflow types. They wait while the operation is still being started. */
function handleMessages(subject: { cloud: string }, begun: Promise<OperationWait>): void {
  // An error that is not a Temporal failure would fail the workflow task, so errors of the start are converted too.
  const look = (): Promise<OperationSnapshot> => withCallerFailure(subject, async () => (await begun).lookNow());
  setHandler(pollOperation, look, { description: 'Poll the operation now, and answer with what it is' });
  setHandler(operationChanged, () => begun.then((wait) => wait.lookSoon()).catch(ignore), {
    description: 'The operation may have changed: poll it now',
  });
}
