import { allHandlersFinished, CancellationScope, condition, continueAsNew } from '@temporalio/workflow';
import { HistoryTooLong } from './polling';
import { carried, type CarriedPolling, type PollingState } from './state';

/** A workflow type as it continues itself. The state is no part of its public signature. */
type ContinuedRun = (input: unknown, continued: CarriedPolling) => Promise<unknown>;

/**
 * The result of a wait in a workflow type. If the history grows long instead, the workflow continues as new with `input`
 * and the wait's state.
 */
export async function runToEnd<R>(
  wait: { run(): Promise<R>; readonly state: PollingState },
  input: unknown,
): Promise<R> {
  try {
    const result = await wait.run();
    await handlersFinished();
    return result;
  } catch (err) {
    if (err instanceof HistoryTooLong) return continueAsNew<ContinuedRun>(input, carried(wait.state));
    await handlersFinished();
    throw err;
  }
}

/** Lets callers of an update get their answer before the workflow closes, even while it is being cancelled. */
export function handlersFinished(): Promise<void> {
  return CancellationScope.nonCancellable(() => condition(allHandlersFinished));
}

/** A signal cannot report an error: the wait itself fails if nothing can be polled. */
export function ignore(): void {}
