import type { CancelResult } from '../src/model/contract';
import { CancellationScope, sleep } from '@temporalio/workflow';
import { refusesCancel } from '../src/model/error-table';
import { operationFailure } from '../src/model/failure';
import type { ResolvedWaitOptions } from '../src/model/options';
import { isDone, type AnyJson, type OperationSnapshot } from '../src/model/snapshot';
import { cancelPollSummary, cancelSummary, type NotCancelled } from '../src/model/texts';
import { cancelOperation } from './activities';
import { isEnd, notCancelled, problemUnlessEnded } from './failures';
import { lastLook, pollUntil, type EndedOperation } from './poll';
import { beginWait, evidenceOf, recordPoll, type WaitState } from './state';
import type { Target } from './target';

/** What became of an operation that was asked to be cancelled. */
export type CancelOutcome<R = AnyJson, M = AnyJson> =
  /** It succeeded before the cloud cancelled it. */
  | { outcome: 'completed'; operation: OperationSnapshot<R, M> & { state: 'succeeded' } }
  /** It ended with CANCELLED, or with another error. */
  | { outcome: 'cancelled' | 'failed'; operation: OperationSnapshot<R, M> & { state: 'failed' } }
  /** It goes on as far as we know: the cloud refused to cancel it, or did not confirm in time. */
  | { outcome: 'unsupported' | 'unconfirmed'; operation: OperationSnapshot<R, M> };

/** A {@link CancelOutcome}, and why it is not better. */
export type ConfirmedCancel = CancelOutcome & NotCancelled;

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
  // The first end that is seen is final, and Cancel might change it in the cloud.
  if (state.operation && isDone(state.operation)) {
    stopPolling();
    return outcomeOf(state.operation, {});
  }
  const untilMs = Date.now() + options.cancelTimeoutMs;
  const requested = request(target, state, options.cancelTimeoutMs);
  stopPolling();
  const isKnown = evidenceOf(state).known;
  let why: NotCancelled = {};
  try {
    const { operation, refused } = await requested;
    recordPoll(state, operation);
    if (refused) why = { refused };
  } catch (err) {
    if (!isKnown && operationFailure(err)) throw err;
    why = notCancelled(err);
  }
  const { operation, ...notSeen } = await endOf(target, options, state, untilMs, why);
  if (isDone(operation)) ends.get(keyOf(target))?.forEach((tell) => tell(operation));
  return outcomeOf(operation, { ...why, ...notSeen });
}

/** The operation at its end, or at the end of the time; then also why it could not be polled, where that is so. */
async function endOf(
  target: Target,
  options: ResolvedWaitOptions,
  state: WaitState,
  untilMs: number,
  why: NotCancelled,
): Promise<{ operation: OperationSnapshot } & Pick<NotCancelled, 'lastLook'>> {
  const { cloud, operationId: id } = target;
  if (state.operation && isDone(state.operation)) return { operation: state.operation };
  const summaryOf = (poll: number): string => cancelPollSummary(state.operation ?? { id }, poll, why.refused);
  // Of polls that fail for good the last look tells why.
  const polled = await pollUntil(target, options, state, untilMs, summaryOf).catch(problemUnlessEnded);
  if (typeof polled === 'object') return { operation: polled };
  // A retry that would pass the limit is not made: what is left of the time is slept, and a last look taken.
  if (untilMs > Date.now()) await sleep(untilMs - Date.now(), { summary: summaryOf(state.polls + 1) });
  const { operation, problem } = await lastLook(target, state, summaryOf);
  if (operation) return { operation };
  return { operation: state.operation ?? { cloud, id, state: 'running' }, lastLook: problem };
}

/** Cancels an operation on demand, whether or not somebody waits for it. `started` is what this workflow has started. */
export async function cancelNow(
  target: Target,
  options: ResolvedWaitOptions,
  started?: OperationSnapshot,
): Promise<CancelOutcome> {
  const state: WaitState = { ...beginWait(), ...(started && { operation: started }) };
  const confirmed = await CancellationScope.nonCancellable(() => cancelAndConfirm(target, options, state));
  const { refused: _refused, problem: _problem, lastLook: _lastLook, ...outcome } = confirmed;
  return outcome;
}

/** Asks the cloud to cancel and does not wait for the end. Resolves when it has answered, or could not be reached. */
export async function requestCancel(
  target: Target,
  state: WaitState,
  timeoutMs: number,
  stopPolling: () => void,
): Promise<void> {
  const requested = request(target, state, timeoutMs);
  stopPolling();
  await requested.then(
    ({ operation }) => recordPoll(state, operation),
    () => undefined,
  );
}

/** A request under way, until when it is repeated, and whether errors of its polls end it. */
interface Requested {
  result: Promise<CancelResult>;
  untilMs: number;
  isKnown: boolean;
}

/** Those of this workflow: who cancels the same operation meanwhile shares the answer. */
const requests = new Map<string, Requested>();

async function request(target: Target, state: WaitState, timeoutMs: number): Promise<CancelResult> {
  const key = keyOf(target);
  const untilMs = Date.now() + timeoutMs;
  const record = evidenceOf(state);
  const isKnown = record.known;
  // One that is repeated for longer would hold this caller. One that gives up sooner, or because nobody knew the
  // operation, he repeats himself.
  for (let shared = requests.get(key); shared && shared.untilMs <= untilMs; shared = requests.get(key)) {
    try {
      return await shared.result;
    } catch (err) {
      const isWorthRepeating = operationFailure(err)
        ? isKnown && !shared.isKnown && !isEnd(err)
        : shared.untilMs < untilMs;
      if (!isWorthRepeating) throw err;
    }
  }
  const limits = {
    summary: cancelSummary(target.operationId),
    scheduleToCloseTimeoutMs: Math.max(1, untilMs - Date.now()),
  };
  const about = { startedAtMs: state.startedAtMs, record };
  const requested = { result: cancelOperation(target, about, limits), untilMs, isKnown };
  requests.set(key, requested);
  const forget = (): void => {
    if (requests.get(key) === requested) requests.delete(key);
  };
  requested.result.then(forget, forget);
  return requested.result;
}

/** The waits of this workflow, by their operation: they are told when a cancellation has seen its end. */
const ends = new Map<string, Set<(operation: EndedOperation) => void>>();

/** Calls `tell` when a cancellation in this workflow sees the operation's end, until the function returned is called. */
export function onEnd(target: Target, tell: (operation: EndedOperation) => void): () => void {
  const key = keyOf(target);
  const told = ends.get(key) ?? new Set();
  ends.set(key, told.add(tell));
  return () => {
    if (told.delete(tell) && told.size === 0) ends.delete(key);
  };
}

function keyOf({ cloud, operationId, taskQueue }: Target): string {
  return JSON.stringify([cloud, operationId, taskQueue]);
}

function outcomeOf(operation: OperationSnapshot, why: NotCancelled): ConfirmedCancel {
  switch (operation.state) {
    case 'succeeded':
      return { outcome: 'completed', operation };
    case 'failed':
      return { outcome: operation.error.codeName === 'CANCELLED' ? 'cancelled' : 'failed', operation };
    case 'running':
    case 'rollingBack':
      return { outcome: isUnsupported(why) ? 'unsupported' : 'unconfirmed', operation, ...why };
  }
}

function isUnsupported({ refused }: NotCancelled): boolean {
  return refused !== undefined && refusesCancel(refused.codeName);
}
