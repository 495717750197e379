import type { CancelResult } from '../src/model/contract';
import { CancellationScope, sleep } from '@temporalio/workflow';
import { refusesCancel } from '../src/model/error-table';
import { operationFailure } from '../src/model/failure';
import type { ResolvedWaitOptions } from '../src/model/options';
import { type AnyJson, type EndedOperation, isDone, type OperationSnapshot } from '../src/model/snapshot';
import { cancelPollSummary, cancelSummary, type NotCancelled } from '../src/model/texts';
import { cancelOperation } from './activities';
import { isEnd, notCancelled, problemUnlessEnded } from './failures';
import { lastLook, pollUntil } from './poll';
import { beginWait, evidenceOf, recordPoll, type WaitState } from './state';
import type { Target } from './target';

/** The outcome of a request to cancel an operation. */
export type CancelOutcome<R = AnyJson, M = AnyJson> =
  /** The operation succeeded before the cloud cancelled it. */
  | { outcome: 'completed'; operation: OperationSnapshot<R, M> & { state: 'succeeded' } }
  /** The operation ended with CANCELLED (`cancelled`) or with another error (`failed`). */
  | { outcome: 'cancelled' | 'failed'; operation: OperationSnapshot<R, M> & { state: 'failed' } }
  /** The operation may still be running: the cloud refused to cancel it, or did not confirm in time. */
  | { outcome: 'unsupported' | 'unconfirmed'; operation: OperationSnapshot<R, M> };

/** A {@link CancelOutcome}, and why the operation was not cancelled. */
export type ConfirmedCancel = CancelOutcome & NotCancelled;

/**
 * Cancels the operation in the cloud and polls it until it is done, for at most `cancelTimeoutMs`. Schedules the
 * request before it calls `stopPolling`: a cancelled activity of the wait could otherwise report first.
 */
export async function cancelAndConfirm(
  target: Target,
  options: ResolvedWaitOptions,
  state: WaitState,
  stopPolling: () => void = () => undefined,
): Promise<ConfirmedCancel> {
  // The first end seen is final. Cancel might change it in the cloud.
  if (state.operation && isDone(state.operation)) {
    stopPolling();
    return cancelOutcome(state.operation, {});
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
  return cancelOutcome(operation, { ...why, ...notSeen });
}

/** Returns the operation when it is done or time is up. `lastLook` says why the last poll failed, if it did. */
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
  // If polling fails permanently, the last look below reports why.
  const polled = await pollUntil(target, options, state, untilMs, summaryOf).catch(problemUnlessEnded);
  if (typeof polled === 'object') return { operation: polled };
  // The server skips a retry that would exceed the limit: sleep for the rest of the time, then look once more.
  if (untilMs > Date.now()) await sleep(untilMs - Date.now(), { summary: summaryOf(state.polls + 1) });
  const { operation, problem } = await lastLook(target, state, summaryOf);
  if (operation) return { operation };
  return { operation: state.operation ?? { cloud, id, state: 'running' }, lastLook: problem };
}

/**
 * Cancels an operation whether or not anything waits for it. `started` is the operation if this workflow started it.
 */
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

/**
 * Asks the cloud to cancel, without waiting for the end. Resolves when the cloud has answered or `timeoutMs` is over.
 */
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

/** A request in flight, when its retries end, and whether its caller knew that the operation exists. */
interface Requested {
  result: Promise<CancelResult>;
  untilMs: number;
  isKnown: boolean;
}

/** The requests in flight in this workflow. Concurrent cancellations of one operation share a request. */
const requests = new Map<string, Requested>();

async function request(target: Target, state: WaitState, timeoutMs: number): Promise<CancelResult> {
  const key = keyOf(target);
  const untilMs = Date.now() + timeoutMs;
  const record = evidenceOf(state);
  const isKnown = record.known;
  // A request with a later deadline would hold this caller up, so it is not shared. If a shared request fails because
  // its deadline was earlier, or because its caller did not know the operation, this caller sends a request of its own.
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

/** The callbacks of this workflow's waits, by operation: called when a cancellation has seen the operation's end. */
const ends = new Map<string, Set<(operation: EndedOperation) => void>>();

/** Calls `tell` when a cancellation in this workflow sees the operation's end. Returns a function that stops this. */
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

function cancelOutcome(operation: OperationSnapshot, why: NotCancelled): ConfirmedCancel {
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
