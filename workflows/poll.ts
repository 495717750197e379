import { condition, getRandomStream, sleep, workflowInfo } from '@temporalio/workflow';
import { JITTER_STREAM } from '../src/model/names';
import type { ResolvedWaitOptions } from '../src/model/options';
import { nextInterval, type PollSchedule } from '../src/model/schedule';
import { isDone, type OperationSnapshot } from '../src/model/snapshot';
import { pollSummary, refusalSummary, timerSummary } from '../src/model/texts';
import { getOperation, lookAtOperation } from './activities';
import { notInTime } from './failures';
import { evidenceOf, recordPoll, recordRefusal, type WaitState } from './state';
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
/** A run with fewer events that has not polled goes on, however large they are. */
const MINIMUM_HISTORY_EVENTS = 1_000;
/** In a workflow that is not ours we cannot continue as new: after so many timers one activity carries the wait on. */
const MAXIMUM_INLINE_TIMERS = 100;

/** How a wait sleeps when its history grows long. */
export type LongHistory = 'activityRetry' | 'continueAsNew';

/** So often the beginning of a refusal comes back to the workflow, to be shown; each time adds some 20 events. */
const MAXIMUM_SHOWN_REFUSALS = 10;

/** Polls until the operation ends. Rejects with the activity's failure. Updates `state` as it goes. */
export async function pollUntilDone(
  target: Target,
  { schedule, by, onRollback }: ResolvedWaitOptions,
  state: WaitState,
  longHistory: LongHistory,
): Promise<EndedOperation> {
  const { startedAtMs } = state;
  for (;;) {
    if (state.nextPollAtMs !== undefined) await sleepUntilDue(target, state);
    const byRetry = longHistory === 'activityRetry' && (isHistoryLong() || state.timers >= MAXIMUM_INLINE_TIMERS);
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
 * Resolves as soon as this run should continue as new, whatever is going on in it: polls, signals and updates all add
 * events. A run that has done next to nothing would continue as new for ever.
 */
export async function historyTooLong(state: WaitState): Promise<void> {
  const { polls: pollsBefore } = state;
  await condition(
    () => isHistoryLong() && (state.polls > pollsBefore || workflowInfo().historyLength > MINIMUM_HISTORY_EVENTS),
  );
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

/** Sleeps until the next poll is due, also when that changes meanwhile. */
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
    if (!polled || 'refused' in polled) break;
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
  const polled = await lookAtOperation(target, { startedAtMs, schedule: LAST_LOOK }, limits).catch(notInTime);
  return polled && recordPoll(state, polled.operation);
}

const LAST_LOOK = { initialIntervalMs: 1_000, ageFraction: 1, maximumIntervalMs: 1_000, jitter: 0 };

async function sleepUntil(atMs: number, operation: OperationSnapshot): Promise<void> {
  const ms = Math.max(1, atMs - Date.now());
  await sleep(ms, { summary: timerSummary(operation, ms) });
}
