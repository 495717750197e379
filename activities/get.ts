import type { GetInput, GetResult } from '../src/model/contract';
import { CompleteAsyncError, Context } from '@temporalio/activity';
import type { Cloud } from '../src/cloud/cloud';
import { decide, scheduleAge, type PollOutcome } from '../src/cloud/decide';
import { intervalAtAge, WATCH_BELOW_MS } from '../src/model/schedule';
import { unknownCloudText, type ActivityContext } from './context';
import { logPoll } from './observe';
import { leaveRecord, boundedOutcome, pollAgain, recordBefore } from './poll';
import { Lease } from './lease';

/**
 * Activity `operation.get`: polls an operation. While the wait's intervals are short, the worker's watcher polls and
 * the activity completes asynchronously. Otherwise, each attempt polls once; between polls, the workflow sleeps, or the
 * server delays the retry of the activity.
 */
export async function getOperation(context: ActivityContext, input: GetInput): Promise<GetResult> {
  const activity = Context.current();
  const ageMs = activity.info.currentAttemptScheduledTimestampMs - input.startedAtMs;
  const before = recordBefore(activity, input);
  const cloud = servingCloud(context, input);
  if (typeof cloud !== 'string') {
    const isShort = input.by !== undefined && intervalAtAge(input.schedule, scheduleAge(input, ageMs)) < WATCH_BELOW_MS;
    if (isShort && cloud.watch && context.watcher.watch(cloud, new Lease(input, activity, before))) {
      throw new CompleteAsyncError();
    }
  }
  const outcome: PollOutcome =
    typeof cloud === 'string' ? { unserved: cloud } : await boundedOutcome(cloud.get(input, signalOf(activity)));
  const { decision, record } = decide(input, outcome, {
    ageMs,
    record: before,
    random: context.random(),
    ...(typeof cloud !== 'string' && { cloud }),
  });
  logPoll(activity.log, input, outcome, decision);
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

/** The cloud of a wait; or a message that says why this worker cannot serve the wait, and what to change. */
function servingCloud(context: ActivityContext, { cloud: name, method }: GetInput): Cloud | string {
  const cloud = context.clouds.get(name);
  if (!cloud) return unknownCloudText(name, context);
  const found = method === undefined ? undefined : cloud.findStart(method);
  return typeof found === 'string' ? `method: ${found}` : cloud;
}

/** Aborts when the worker stops, and when the attempt is over: a poll that still waits for its turn is then not sent. */
function signalOf({ cancellationSignal, info }: Context): AbortSignal {
  const { startToCloseTimeoutMs } = info;
  if (startToCloseTimeoutMs === 0) return cancellationSignal;
  return AbortSignal.any([cancellationSignal, AbortSignal.timeout(startToCloseTimeoutMs)]);
}
