import { condition, getRandomStream, workflowInfo } from '@temporalio/workflow';
import type { RefusedPoll } from '../src/model/contract';
import { JITTER_STREAM } from '../src/model/names';
import type { ResolvedWaitOptions } from '../src/model/options';
import { nextInterval, type PollSchedule } from '../src/model/schedule';
import type { Poll } from './activities';
import { evidenceOf, recordRefusal, type PollingState } from './state';

/** The schedule of a single poll, whose transient errors are retried. */
export const POLL_ONCE = { initialIntervalMs: 1_000, ageFraction: 1, maximumIntervalMs: 1_000, jitter: 0 };

/** What a wait polls. `E` is its end. */
export interface Poller<E> {
  readonly state: PollingState;
  /** Polls, and records in the state what it shows. Rejects with the activity's failure. */
  readonly poll: (input: Poll, summary: string) => Promise<Answer<E>>;
  /** The summary of the next poll. */
  readonly pollSummary: () => string;
  /** The summary of the timer before it. */
  readonly sleepSummary: (ms: number) => string;
}

/** What a poll shows: the end; or that the wait goes on, perhaps after a refusal. */
export type Answer<E> = { ended: E } | { hintMs?: number; refused?: RefusedPoll };

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

/** Polls until the wait ends. Rejects with the activity's failure. */
export async function pollUntilEnd<E>(
  poller: Poller<E>,
  { schedule, by }: Pick<ResolvedWaitOptions, 'schedule' | 'by'>,
  longHistory: LongHistory,
): Promise<E> {
  const { state } = poller;
  const { startedAtMs } = state;
  for (;;) {
    if (state.nextPollAtMs !== undefined) await sleepUntilDue(poller);
    const byRetry = longHistory === 'activityRetry' && mustRetry(state);
    const input: Poll = {
      startedAtMs,
      schedule,
      by: byRetry ? 'activityRetry' : by,
      record: evidenceOf(state),
      returnRefusal: !byRetry && (state.refusals ?? 0) < MAXIMUM_SHOWN_REFUSALS,
    };
    const answer = await poller.poll(input, poller.pollSummary());
    if ('ended' in answer) return answer.ended;
    if (answer.refused) recordRefusal(state, answer.refused);
    else schedulePoll(state, schedule, answer.hintMs);
  }
}

/**
 * Resolves as soon as this run should continue as new. Polls, signals and updates all add events. A run that has not
 * polled and is short goes on: otherwise, runs with large inputs would continue as new forever.
 */
export async function historyTooLong(state: PollingState): Promise<void> {
  const { polls: pollsBefore } = state;
  await condition(
    () => isHistoryLong() && (state.polls > pollsBefore || workflowInfo().historyLength > MINIMUM_HISTORY_EVENTS),
  );
}

/** Whether a run that does not continue as new must sleep by activity retry from now on. */
export function mustRetry({ timers }: Pick<PollingState, 'timers'>): boolean {
  return isHistoryLong() || timers >= MAXIMUM_INLINE_TIMERS;
}

function isHistoryLong(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength > MAXIMUM_HISTORY_EVENTS;
}

/** Sets the time of the next poll from the age of the wait. A poll made beside the wait postpones it in this way. */
export function schedulePoll(state: PollingState, schedule: PollSchedule, hintMs?: number): void {
  const jitter = getRandomStream(JITTER_STREAM);
  const ageMs = Date.now() - state.startedAtMs;
  state.nextPollAtMs = Date.now() + nextInterval(schedule, ageMs, jitter.random(), hintMs);
}

/** Sleeps until the next poll is due, even if its time changes in the meantime. */
async function sleepUntilDue<E>({ state, sleepSummary }: Poller<E>): Promise<void> {
  for (let due = state.nextPollAtMs; due !== undefined; due = state.nextPollAtMs) {
    const ms = due - Date.now();
    if (ms <= 0) return;
    state.timers++;
    if (!(await condition(() => state.nextPollAtMs !== due, ms, { summary: sleepSummary(ms) }))) return;
  }
}
