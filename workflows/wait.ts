import { CancellationScope, getRandomStream, sleep } from '@temporalio/workflow';
import { CancelledFailure } from '@temporalio/common';
import { JITTER_STREAM } from '../src/model/names';
import type { ResolvedWaitOptions } from '../src/model/options';
import { nextInterval, type PollSchedule } from '../src/model/schedule';
import { isDone, type OperationSnapshot } from '../src/model/snapshot';
import { pollSummary, timerSummary } from '../src/model/texts';
import { getOperation } from './activities';
import { endedFailure } from './failures';
import type { Target } from './target';

/** What a wait knows: plain JSON, so that it survives continue-as-new. */
export interface WaitState {
  /** By Temporal's clock, in epoch milliseconds. */
  startedAtMs: number;
  polls: number;
  /** The operation as last seen; undefined before the first poll. */
  operation?: OperationSnapshot;
  /** RFC 3339. */
  lastPolledAt?: string;
}

/** An operation at which polling ends. */
export type EndedOperation = OperationSnapshot & { state: 'succeeded' | 'failed' | 'rollingBack' };

export function beginWait(): WaitState {
  return { startedAtMs: Date.now(), polls: 0 };
}

export function recordPoll(state: WaitState, operation: OperationSnapshot): void {
  state.polls++;
  state.operation = operation;
  state.lastPolledAt = new Date().toISOString();
}

/**
 * Waits until the operation is done and gives it, or throws the failure of its end. Belongs to the caller's scope,
 * which it watches by `cancelRequested`: reacting to the rejection of a cancelled activity instead, in a task in which
 * the workflow also closes, would give the server commands after the last one and hang the workflow.
 */
export async function waitForOperation(
  target: Target,
  options: ResolvedWaitOptions,
  state: WaitState,
): Promise<OperationSnapshot & { state: 'succeeded' }> {
  const caller = CancellationScope.current();
  if (caller.consideredCancelled) throw new CancelledFailure('Cancelled before the wait began');
  return CancellationScope.nonCancellable(async () => {
    const polling = new CancellationScope();
    const ended = polling.run(() => pollUntilDone(target, options.schedule, options.onRollback, state));
    ended.catch(() => undefined);
    const first = await Promise.race([ended, cancellationOf(caller)]);
    if (first !== 'cancelled') return succeeded(first);
    polling.cancel();
    throw new CancelledFailure('Wait cancelled');
  });
}

/** Settles when the scope is cancelled. A non-cancellable scope is told of its parent's cancellation, but shielded from it. */
function cancellationOf(scope: CancellationScope): Promise<'cancelled'> {
  return scope.cancellable ? scope.cancelRequested.catch(() => 'cancelled' as const) : new Promise(() => undefined);
}

/** The operation itself where it succeeded; throws the failure of every other end. */
function succeeded(operation: EndedOperation): OperationSnapshot & { state: 'succeeded' } {
  if (operation.state === 'succeeded') return operation;
  throw endedFailure(operation, new Date().toISOString());
}

async function pollUntilDone(
  target: Target,
  schedule: PollSchedule,
  onRollback: 'wait' | 'fail',
  state: WaitState,
): Promise<EndedOperation> {
  const jitter = getRandomStream(JITTER_STREAM);
  const { startedAtMs } = state;
  for (;;) {
    const summary = pollSummary(target.operationId, state.polls + 1);
    const { operation, hintMs } = await getOperation(target, { startedAtMs, schedule }, { summary });
    recordPoll(state, operation);
    if (isDone(operation) || (operation.state === 'rollingBack' && onRollback === 'fail')) return operation;
    const intervalMs = nextInterval(schedule, Date.now() - startedAtMs, jitter.random(), hintMs);
    await sleep(intervalMs, { summary: timerSummary(operation, intervalMs) });
  }
}
