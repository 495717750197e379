import { condition, getRandomStream, sleep, workflowInfo } from '@temporalio/workflow';
import { JITTER_STREAM } from '../src/model/names';
import type { ResolvedWaitOptions } from '../src/model/options';
import { nextInterval, type PollSchedule } from '../src/model/schedule';
import { isDone, type OperationSnapshot } from '../src/model/snapshot';
import { pollSummary, timerSummary } from '../src/model/texts';
import { getOperation } from './activities';
import { notInTime } from './failures';
import { recordPoll, type WaitState } from './state';
import type { Target } from './target';

/** An operation at which polling ends. */
export type EndedOperation = OperationSnapshot & { state: 'succeeded' | 'failed' | 'rollingBack' };

export function endsWait(operation: OperationSnapshot, onRollback: 'wait' | 'fail'): operation is EndedOperation {
  return isDone(operation) || (operation.state === 'rollingBack' && onRollback === 'fail');
}

/** Thrown where the history has grown too long for this run, and the workflow type continues as new. */
export class HistoryTooLong extends Error {}

/** The server suggests continue-as-new at 4,096 events; every timer poll makes 11. */
const MAXIMUM_HISTORY_EVENTS = 3_900;
/** In a workflow that is not ours we cannot continue as new: after so many timers one activity carries the wait on. */
const MAXIMUM_INLINE_TIMERS = 100;

/** How a wait sleeps when its history grows long. */
export type LongHistory = 'activityRetry' | 'continueAsNew';

/** Polls until the operation ends. Rejects with the activity's failure, or with HistoryTooLong. Updates `state` as it goes. */
export async function pollUntilDone(
  target: Target,
  { schedule, by, onRollback }: ResolvedWaitOptions,
  state: WaitState,
  longHistory: LongHistory,
): Promise<EndedOperation> {
  const { startedAtMs, polls: pollsBefore } = state;
  // A run that has not polled has not made its history long, and would continue as new for ever.
  const isOver = (): boolean => longHistory === 'continueAsNew' && isHistoryLong() && state.polls > pollsBefore;
  for (;;) {
    if (state.nextPollAtMs !== undefined) await sleepUntilDue(state, isOver);
    const byRetry = longHistory === 'activityRetry' && (isHistoryLong() || state.timers >= MAXIMUM_INLINE_TIMERS);
    const polled = await getOperation(
      target,
      { startedAtMs, schedule, by: byRetry ? 'activityRetry' : by, onRollback },
      { summary: pollSummary(state.operation ?? { id: target.operationId }, state.polls + 1) },
    );
    const operation = recordPoll(state, polled.operation);
    if (endsWait(operation, onRollback)) return operation;
    schedulePoll(state, schedule, polled.hintMs);
  }
}

function isHistoryLong(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength > MAXIMUM_HISTORY_EVENTS;
}

/** Sets when a sleeping wait polls next, by its age. Whoever has just polled beside it puts it off that way. */
export function schedulePoll(state: WaitState, schedule: PollSchedule, hintMs?: number): void {
  const jitter = getRandomStream(JITTER_STREAM);
  const ageMs = Date.now() - state.startedAtMs;
  state.nextPollAtMs = Date.now() + nextInterval(schedule, ageMs, jitter.random(), hintMs);
}

/** Sleeps until the next poll is due, also when that changes meanwhile. Rejects with HistoryTooLong where `isOver`. */
async function sleepUntilDue(state: WaitState, isOver: () => boolean): Promise<void> {
  for (let due = state.nextPollAtMs; due !== undefined && state.operation; due = state.nextPollAtMs) {
    if (isOver()) throw new HistoryTooLong();
    const ms = due - Date.now();
    if (ms <= 0) return;
    state.timers++;
    const summary = timerSummary(state.operation, ms);
    if (!(await condition(() => state.nextPollAtMs !== due, ms, { summary }))) return;
  }
}

/**
 * Polls by a fresh schedule until the operation is done, at most until `untilMs`; undefined when it is not done by then.
 * The age of the wait, by which errors are judged, stays what it is.
 */
export async function pollUntil(
  target: Target,
  { schedule, by }: ResolvedWaitOptions,
  state: WaitState,
  untilMs: number,
  summaryOf = (poll: number): string => pollSummary(state.operation ?? { id: target.operationId }, poll),
): Promise<EndedOperation | undefined> {
  const jitter = getRandomStream(JITTER_STREAM);
  const scheduledFromMs = Date.now();
  for (let remainingMs = untilMs - Date.now(); remainingMs > 0; remainingMs = untilMs - Date.now()) {
    const limits = { summary: summaryOf(state.polls + 1), scheduleToCloseTimeoutMs: remainingMs };
    const input = { startedAtMs: state.startedAtMs, scheduledFromMs, schedule, by };
    const polled = await getOperation(target, input, limits).catch(notInTime);
    if (!polled) break;
    const operation = recordPoll(state, polled.operation);
    if (isDone(operation)) return operation;
    const intervalMs = nextInterval(schedule, Date.now() - scheduledFromMs, jitter.random(), polled.hintMs);
    await sleepUntil(Math.min(Date.now() + intervalMs, untilMs), operation);
  }
  return undefined;
}

/** One look that must not hold anybody up: undefined where none succeeds within `limitMs`. */
export async function lastLook(
  target: Target,
  state: WaitState,
  limitMs: number,
  summaryOf = (poll: number): string => pollSummary(state.operation ?? { id: target.operationId }, poll),
): Promise<OperationSnapshot | undefined> {
  const { startedAtMs } = state;
  const limits = { summary: summaryOf(state.polls + 1), scheduleToCloseTimeoutMs: limitMs };
  const polled = await getOperation(target, { startedAtMs, schedule: LAST_LOOK }, limits).catch(notInTime);
  return polled && recordPoll(state, polled.operation);
}

const LAST_LOOK = { initialIntervalMs: 1_000, ageFraction: 1, maximumIntervalMs: 1_000, jitter: 0 };

async function sleepUntil(atMs: number, operation: OperationSnapshot): Promise<void> {
  const ms = Math.max(1, atMs - Date.now());
  await sleep(ms, { summary: timerSummary(operation, ms) });
}
