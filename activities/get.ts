import { CompleteAsyncError, Context } from '@temporalio/activity';
import { isNotFound } from '../src/cloud/error';
import { YOUNG_MS } from '../src/model/error-table';
import { configurationError } from '../src/model/failure';
import { intervalAtAge, nextInterval, WATCH_BELOW_MS } from '../src/model/schedule';
import { unknownCloudText, type ActivityContext } from './context';
import { decide, pollAgain, scheduleAge, type GetInput, type GetResult, type PollOutcome } from './decide';
import { Lease } from './lease';

/**
 * Activity `operation.get`: polls an operation. While the intervals of its wait are short, the worker's watcher polls
 * it and the activity completes asynchronously; otherwise one attempt is one poll, and what does not end the wait is
 * slept by the workflow or by the server's retry of the activity.
 */
export async function getOperation(context: ActivityContext, input: GetInput): Promise<GetResult> {
  const activity = Context.current();
  const { attempt, currentAttemptScheduledTimestampMs } = activity.info;
  const ageMs = currentAttemptScheduledTimestampMs - input.startedAtMs;
  const cloud = context.clouds.get(input.cloud);
  if (!cloud) {
    const message = unknownCloudText(input.cloud, context);
    // Later a broken deploy is likelier than a wrong name, and somebody will mend it.
    if (input.by === undefined || ageMs < YOUNG_MS) throw configurationError(input.cloud, message, input.operationId);
    throw pollAgain(message, nextInterval(input.schedule, ageMs, context.random(), input.schedule.maximumIntervalMs));
  }
  const isShort = input.by !== undefined && intervalAtAge(input.schedule, scheduleAge(input, ageMs)) < WATCH_BELOW_MS;
  if (isShort && cloud.watch && context.watcher.watch(cloud, new Lease(input, activity)))
    throw new CompleteAsyncError();

  const outcome: PollOutcome = await cloud.get(input.operationId, activity.cancellationSignal).then(
    (polled) => ({ polled }),
    (error: unknown) => ({ error }),
  );
  const notFound = 'error' in outcome && isNotFound(outcome.error) ? attempt : 0;
  const decision = decide(input, outcome, { ageMs, notFound, random: context.random(), registry: cloud.registry });
  switch (decision.next) {
    case 'return':
      return decision.result;
    case 'fail':
      throw decision.failure;
    case 'poll':
      throw pollAgain(decision.message, decision.intervalMs);
  }
}
