import { condition, getRandomStream, sleep, workflowInfo } from '@temporalio/workflow';
import { JITTER_STREAM } from '../src/model/names';
import type { PollRecord } from '../src/model/evidence';
import type { ResolvedWaitOptions } from '../src/model/options';
import { nextInterval, type PollSchedule } from '../src/model/schedule';
import { endsWait, isDone, type EndedOperation, type OperationSnapshot } from '../src/model/snapshot';
import { pollSummary, refusalSummary, timerSummary } from '../src/model/texts';
import { getOperation, lookAtOperation } from './activities';
import { notInTime, problemUnlessEnded } from './failures';
import { evidenceOf, recordPoll, recordRefusal, type WaitState } from './state';
import type { Target } from './target';

/** Thrown when a run's history is too long: the workflow type then continues as new. */
export class HistoryTooLong extends Error {}

/** The server suggests continue-as-new at 4,096 events; every timer poll makes 11. */
const MAXIMUM_HISTORY_EVENTS = 3_900;
/** A run that has not polled and has fewer events does not continue as new, however large its events are. */
const MINIMUM_HISTORY_EVENTS = 1_000;
/** We cannot continue a user's workflow as new: after this many timers, one activity carries the wait on. */
const MAXIMUM_INLINE_TIMERS = 100;

/** How a wait sleeps when its history grows long. */
export type LongHistory = 'activityRetry' | 'continueAsNew';

/** How often the first refusal of a series is returned to the workflow, to be shown. Each one adds some 20 events. */
const MAXIMUM_SHOWN_REFUSALS = 10;

/** Polls until the operation ends, and updates `state` after each poll. Rejects with the activity's failure. */
export async function pollUntilDone(
  target: Target,
  { schedule, by, onRollback }: ResolvedWaitOptions,
  state: WaitState,
  longHistory: LongHistory,
): Promise<EndedOperation> {
  const { startedAtMs } = state;
  for (;;) {
    if (state.nextPollAtMs !== undefined) await sleepUntilDue(target, state);
    const byRetry = longHistory === 'activityRetry' && mustRetry(state);
    const result = await getOperation(
      target,
      {
        startedAtMs,
        schedule,
        by: byRetry ? 'activityRetry' : by,
        onRollback,
        record: evidenceOf(state),
        returnRefusal: !byRetry && (state.refusals ?? 0) < MAXIMUM_SHOWN_REFUSALS,
      },
      { summary: pollSummary(state.operation ?? { id: target.operationId }, state.polls + 1) },
    );
    if ('refused' in result) {
      recordRefusal(state, result.refused);
      continue;
    }
    const operation = recordPoll(state, result.operation);
    if (endsWait(operation, onRollback)) return operation;
    schedulePoll(state, schedule, result.hintMs);
  }
}

/**
 * Resolves as soon as this run should continue as new. Polls, signals and updates all add events. A run that has not
 * polled and is short goes on: otherwise, runs with large inputs would continue as new forever.
 */
export async function historyTooLong(state: WaitState): Promise<void> {
  const { polls: pollsBefore } = state;
  await condition(
    () => isHistoryLong() && (state.polls > pollsBefore || workflowInfo().historyLength > MINIMUM_HISTORY_EVENTS),
  );
}

/** Whether a run that does not continue as new must sleep by activity retry from now on. */
export function mustRetry({ timers }: Pick<WaitState, 'timers'>): boolean {
  return isHistoryLong() || timers >= MAXIMUM_INLINE_TIMERS;
}

function isHistoryLong(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength > MAXIMUM_HISTORY_EVENTS;
}

/** Sets the time of the next poll from the age of the wait. A poll made beside the wait postpones it in this way. */
export function schedulePoll(state: WaitState, schedule: PollSchedule, hintMs?: number): void {
  const jitter = getRandomStream(JITTER_STREAM);
  const ageMs = Date.now() - state.startedAtMs;
  state.nextPollAtMs = Date.now() + nextInterval(schedule, ageMs, jitter.random(), hintMs);
}

/** Sleeps until the next poll is due, even if its time changes in the meantime. */
async function sleepUntilDue(target: Target, state: WaitState): Promise<void> {
  for (let due = state.nextPollAtMs; due !== undefined; due = state.nextPollAtMs) {
    const ms = due - Date.now();
    if (ms <= 0) return;
    state.timers++;
    if (!(await condition(() => state.nextPollAtMs !== due, ms, { summary: sleepSummary(target, state, ms) }))) return;
  }
}

function sleepSummary({ operationId }: Target, { operation, pollError }: WaitState, ms: number): string {
  if (pollError) return refusalSummary(operationId, pollError.codeName, ms);
  return operation ? timerSummary(operation, ms) : pollSummary({ id: operationId }, 1);
}

/**
 * Polls on a fresh schedule until the operation is done. Resolves to undefined if it is not done by `untilMs`. Rejects
 * with the activity's failure if it is final. Does not change the age of the wait.
 */
export async function pollUntil(
  target: Target,
  { schedule, by }: ResolvedWaitOptions,
  state: WaitState,
  untilMs: number,
  summaryOf = summaryBy(target, state),
): Promise<EndedOperation | undefined> {
  const jitter = getRandomStream(JITTER_STREAM);
  const scheduledFromMs = Date.now();
  for (let remainingMs = untilMs - Date.now(); remainingMs > 0; remainingMs = untilMs - Date.now()) {
    const input = { ...seenBy(state), scheduledFromMs, schedule, by: mustRetry(state) ? 'activityRetry' : by } as const;
    const limits = { summary: summaryOf(state.polls + 1), scheduleToCloseTimeoutMs: remainingMs };
    const polled = await getOperation(target, input, limits).catch(notInTime);
    if (!polled) break;
    if ('refused' in polled) {
      recordRefusal(state, polled.refused);
      await sleepUntil(
        Math.min(Date.now() + polled.refused.delayMs, untilMs),
        state,
        sleepSummary(target, state, polled.refused.delayMs),
      );
      continue;
    }
    const operation = recordPoll(state, polled.operation);
    if (isDone(operation)) return operation;
    const intervalMs = nextInterval(schedule, Date.now() - scheduledFromMs, jitter.random(), polled.hintMs);
    await sleepUntil(Math.min(Date.now() + intervalMs, untilMs), state, timerSummary(operation, intervalMs));
  }
  return undefined;
}

/** Polls once, and retries transient errors for at most `limitMs`. Rejects with the activity's failure. */
export async function pollOnce(
  target: Target,
  state: WaitState,
  limitMs: number,
  summaryOf = summaryBy(target, state),
): Promise<OperationSnapshot> {
  const limits = { summary: summaryOf(state.polls + 1), scheduleToCloseTimeoutMs: limitMs };
  const polled = await lookAtOperation(target, { ...seenBy(state), schedule: POLL_ONCE }, limits);
  return recordPoll(state, polled.operation);
}

const POLL_ONCE = { initialIntervalMs: 1_000, ageFraction: 1, maximumIntervalMs: 1_000, jitter: 0 };

/** The result of a poll that only informs: the operation, or why it could not be polled. */
type LastLook = { operation: OperationSnapshot; problem?: never } | { operation?: never; problem: string };

/** How long the last look may take, retries included. */
const LAST_LOOK_MS = 10_000;

/**
 * Polls once more for a caller that fails unless the operation has ended. Rejects only with `OperationUnreadable`,
 * which is an end.
 */
export async function lastLook(
  target: Target,
  state: WaitState,
  summaryOf = summaryBy(target, state),
): Promise<LastLook> {
  try {
    return { operation: await pollOnce(target, state, LAST_LOOK_MS, summaryOf) };
  } catch (err) {
    return { problem: problemUnlessEnded(err) };
  }
}

function summaryBy({ operationId }: Target, state: WaitState): (poll: number) => string {
  return (poll) => pollSummary(state.operation ?? { id: operationId }, poll);
}

function seenBy(state: WaitState): { startedAtMs: number; record: PollRecord } {
  return { startedAtMs: state.startedAtMs, record: evidenceOf(state) };
}

async function sleepUntil(atMs: number, state: WaitState, summary: string): Promise<void> {
  state.timers++;
  await sleep(Math.max(1, atMs - Date.now()), { summary });
}
