import { getRandomStream, sleep } from '@temporalio/workflow';
import { JITTER_STREAM } from '../src/model/names';
import type { PollRecord } from '../src/model/evidence';
import type { ResolvedWaitOptions } from '../src/model/options';
import { nextInterval } from '../src/model/schedule';
import { endsWait, isDone, type EndedOperation, type OperationSnapshot } from '../src/model/snapshot';
import { pollSummary, refusalSummary, timerSummary } from '../src/model/texts';
import { getOperation, lookAtOperation } from './activities';
import { notInTime, problemUnlessEnded } from './failures';
import { mustRetry, POLL_ONCE, type Poller } from './polling';
import { evidenceOf, recordPoll, recordRefusal, recordSeen, type WaitState } from './state';
import type { Target } from './target';

/** Polls an operation until it ends. */
export function operationPoller(target: Target, state: WaitState, onRollback: 'wait' | 'fail'): Poller<EndedOperation> {
  return {
    state,
    async poll(input, summary) {
      const result = await getOperation(target, { ...input, onRollback }, { summary });
      if ('refused' in result) {
        recordSeen(state, result.refused.seen);
        return { refused: result.refused };
      }
      const operation = recordPoll(state, result.operation);
      return endsWait(operation, onRollback) ? { ended: operation } : result;
    },
    pollSummary: () => summaryBy(target, state)(state.polls + 1),
    sleepSummary: (ms) => sleepSummary(target, state, ms),
  };
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
      recordSeen(state, polled.refused.seen);
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
