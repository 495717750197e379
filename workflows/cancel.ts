import { CancellationScope, sleep } from '@temporalio/workflow';
import type { CancelResult } from '../activities';
import type { ResolvedWaitOptions } from '../src/model/options';
import { isDone, type AnyJson, type OperationSnapshot } from '../src/model/snapshot';
import { cancelPollSummary, cancelSummary, type NotCancelled } from '../src/model/texts';
import { cancelOperation } from './activities';
import { lastProblem, notInTime } from './failures';
import { lastLook, pollUntil, type EndedOperation } from './poll';
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

/** A {@link CancelOutcome}, and why it is not better. */
export type ConfirmedCancel = CancelOutcome & NotCancelled;

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
  // The first end that is seen is final, and Cancel might change it in the cloud.
  if (state.operation && isDone(state.operation)) {
    stopPolling();
    return outcomeOf(state.operation, {});
  }
  const untilMs = Date.now() + options.cancelTimeoutMs;
  const requested = request(target, state, options.cancelTimeoutMs);
  stopPolling();
  let why: NotCancelled = {};
  try {
    const { operation, refused } = await requested;
    recordPoll(state, operation);
    if (refused) why = { refused };
  } catch (err) {
    notInTime(err);
    why = { problem: lastProblem(err) };
  }
  const operation = await endOf(target, options, state, untilMs, why);
  if (isDone(operation)) ends.get(keyOf(target))?.forEach((tell) => tell(operation));
  return outcomeOf(operation, why);
}

async function endOf(
  target: Target,
  options: ResolvedWaitOptions,
  state: WaitState,
  untilMs: number,
  why: NotCancelled,
): Promise<OperationSnapshot> {
  if (state.operation && isDone(state.operation)) return state.operation;
  const summaryOf = (poll: number): string =>
    cancelPollSummary(state.operation ?? { id: target.operationId }, poll, why.refused);
  const ended = await pollUntil(target, options, state, untilMs, summaryOf);
  if (ended) return ended;
  // A retry that would pass the limit is not made: what is left of the time is slept, and a last look taken.
  if (untilMs > Date.now()) await sleep(untilMs - Date.now(), { summary: summaryOf(state.polls + 1) });
  const { cloud, operationId: id } = target;
  return (await lastLook(target, state, LAST_LOOK_MS, summaryOf)) ?? state.operation ?? { cloud, id, state: 'running' };
}

/** Cancels an operation on demand, whether or not somebody waits for it. */
export async function cancelNow(target: Target, options: ResolvedWaitOptions): Promise<CancelOutcome> {
  const confirmed = await CancellationScope.nonCancellable(() => cancelAndConfirm(target, options, beginWait()));
  const { refused: _refused, problem: _problem, ...outcome } = confirmed;
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

/** A request under way, and until when it is repeated. */
interface Requested {
  result: Promise<CancelResult>;
  untilMs: number;
}

/** Those of this workflow: who cancels the same operation meanwhile shares the answer. */
const requests = new Map<string, Requested>();

async function request(target: Target, { startedAtMs }: WaitState, timeoutMs: number): Promise<CancelResult> {
  const key = keyOf(target);
  const untilMs = Date.now() + timeoutMs;
  // One that is repeated for longer would hold this caller; of one that gives up sooner he repeats it himself.
  for (let shared = requests.get(key); shared && shared.untilMs <= untilMs; shared = requests.get(key)) {
    try {
      return await shared.result;
    } catch (err) {
      notInTime(err);
      if (shared.untilMs === untilMs) throw err;
    }
  }
  const leftMs = Math.max(1, untilMs - Date.now());
  const limits = { summary: cancelSummary(target.operationId), scheduleToCloseTimeoutMs: leftMs };
  const requested = { result: cancelOperation(target, startedAtMs, limits), untilMs };
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
      return { outcome: why.refused ? 'unsupported' : 'unconfirmed', operation, ...why };
  }
}
