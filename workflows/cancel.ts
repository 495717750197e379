import { CancellationScope, sleep } from '@temporalio/workflow';
import type { ResolvedWaitOptions } from '../src/model/options';
import { isDone, type AnyJson, type OperationSnapshot, type OperationStatus } from '../src/model/snapshot';
import { cancelSummary } from '../src/model/texts';
import { cancelOperation } from './activities';
import { notInTime } from './failures';
import { lastLook, pollUntil } from './poll';
import { beginWait, recordPoll, type WaitState } from './state';
import type { Target } from './target';

/** What became of an operation that was asked to be cancelled. */
export type CancelOutcome<R = AnyJson, M = AnyJson> =
  /** It succeeded before the cloud cancelled it. */
  | { outcome: 'completed'; operation: OperationSnapshot<R, M> & { state: 'succeeded' } }
  /** It ended with CANCELLED, or with another error. */
  | { outcome: 'cancelled' | 'failed'; operation: OperationSnapshot<R, M> & { state: 'failed' } }
  /** It goes on as far as we know: the cloud refused to cancel it, or did not confirm in time. */
  | { outcome: 'unsupported' | 'unconfirmed'; operation: OperationSnapshot<R, M> };

/** A {@link CancelOutcome}, and how the cloud put its refusal. */
export type ConfirmedCancel = CancelOutcome & { refused?: OperationStatus };

const LAST_LOOK_MS = 10_000;

/**
 * Cancels the operation in the cloud and polls it until it is done, at most for `cancelTimeoutMs`. The request is
 * scheduled before `stopPolling` is called: an activity of the wait that is cancelled first could report first.
 */
export async function cancelAndConfirm(
  target: Target,
  options: ResolvedWaitOptions,
  state: WaitState,
  stopPolling: () => void = () => undefined,
): Promise<ConfirmedCancel> {
  const untilMs = Date.now() + options.cancelTimeoutMs;
  const requested = cancelOperation(target, {
    summary: cancelSummary(target.operationId),
    scheduleToCloseTimeoutMs: options.cancelTimeoutMs,
  });
  stopPolling();
  const request = await requested.catch(notInTime);
  if (request) recordPoll(state, request.operation);
  const refused = request?.refused;
  const ended =
    request && isDone(request.operation) ? request.operation : await pollUntil(target, options, state, untilMs);
  if (ended) return outcomeOf(ended, refused);
  // A retry that would pass the limit is not made: what is left of the time is slept, and a last look taken.
  if (untilMs > Date.now()) await sleep(untilMs - Date.now());
  const operation = (await lastLook(target, state, LAST_LOOK_MS)) ?? state.operation ?? unseen(target);
  return outcomeOf(operation, refused);
}

/** Cancels an operation on demand, whether or not somebody waits for it. */
export async function cancelNow(target: Target, options: ResolvedWaitOptions): Promise<CancelOutcome> {
  const confirmed = await CancellationScope.nonCancellable(() => cancelAndConfirm(target, options, beginWait()));
  const { refused: _, ...outcome } = confirmed;
  return outcome;
}

/** Asks the cloud to cancel and does not wait for the end. Resolves when it has answered, or could not be reached. */
export async function requestCancel(target: Target, timeoutMs: number, stopPolling: () => void): Promise<void> {
  const limits = { summary: cancelSummary(target.operationId), scheduleToCloseTimeoutMs: timeoutMs };
  const requested = cancelOperation(target, limits);
  stopPolling();
  await requested.catch(() => undefined);
}

function outcomeOf(operation: OperationSnapshot, refused: OperationStatus | undefined): ConfirmedCancel {
  switch (operation.state) {
    case 'succeeded':
      return { outcome: 'completed', operation };
    case 'failed':
      return { outcome: operation.error.codeName === 'CANCELLED' ? 'cancelled' : 'failed', operation };
    case 'running':
    case 'rollingBack':
      return refused ? { outcome: 'unsupported', operation, refused } : { outcome: 'unconfirmed', operation };
  }
}

function unseen({ cloud, operationId: id }: Target): OperationSnapshot {
  return { cloud, id, state: 'running' };
}
