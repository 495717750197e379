import { CompleteAsyncError, Context } from '@temporalio/activity';
import { decide, scheduleAge, type PollOutcome } from '../src/cloud/decide';
import type { GetInput, GetResult, UntilInput, UntilResult } from '../src/model/contract';
import { intervalAtAge, WATCH_BELOW_MS } from '../src/model/schedule';
import type { ActivityContext } from './context';
import { Lease } from './lease';
import { logPoll } from './observe';
import { operationSubject } from './operation-subject';
import { leaveRecord, pollAgain, recordBefore } from './poll';
import { resourceSubject } from './resource-subject';
import type { PollResult, Subject } from './subject';
import type { Watcher } from './watcher';

/** Activity `operation.get`: polls an operation. */
export function getOperation(context: ActivityContext, input: GetInput): Promise<GetResult> {
  return poll(operationSubject(context, input), context.watcher, context);
}

/** Activity `operation.until`: polls a reading method until its reply matches. */
export function getUntilMatched(context: ActivityContext, input: UntilInput): Promise<UntilResult> {
  return poll(resourceSubject(context, input), context.resourceWatcher, context);
}

/**
 * Polls. While the wait's intervals are short, the worker's watcher polls and the activity completes asynchronously.
 * Otherwise, each attempt polls once; between polls, the workflow sleeps, or the server delays the retry of the activity.
 */
async function poll<P, R extends PollResult>(
  subject: Subject<P, R>,
  watcher: Watcher<P, R>,
  context: ActivityContext,
): Promise<R> {
  const { input, served } = subject;
  const activity = Context.current();
  const ageMs = activity.info.currentAttemptScheduledTimestampMs - input.startedAtMs;
  const before = recordBefore(activity, input);
  if (typeof served !== 'string') {
    const isShort = input.by !== undefined && intervalAtAge(input.schedule, scheduleAge(input, ageMs)) < WATCH_BELOW_MS;
    if (isShort && served.cloud.watch && watcher.watch(served, new Lease(subject, activity, before))) {
      throw new CompleteAsyncError();
    }
  }
  const outcome: PollOutcome<P> =
    typeof served === 'string' ? { unserved: served } : await served.poll(signalOf(activity));
  const { decision, record } = decide(subject, outcome, { ageMs, record: before, random: context.random() });
  logPoll(activity.log, subject, outcome, decision);
  switch (decision.next) {
    case 'return':
      return decision.result;
    case 'fail':
      throw decision.failure;
    case 'poll':
      leaveRecord(activity, before, record);
      throw pollAgain(decision.message, decision.intervalMs);
  }
}

/** Aborts when the worker stops, and when the attempt is over: a poll that still waits for its turn is then not sent. */
function signalOf({ cancellationSignal, info }: Context): AbortSignal {
  const { startToCloseTimeoutMs } = info;
  if (startToCloseTimeoutMs === 0) return cancellationSignal;
  return AbortSignal.any([cancellationSignal, AbortSignal.timeout(startToCloseTimeoutMs)]);
}
