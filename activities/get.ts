import { CompleteAsyncError, Context } from '@temporalio/activity';
import type { Cloud } from '../src/cloud/cloud';
import { decide, scheduleAge, type GetInput, type GetResult } from '../src/cloud/decide';
import { findOperationMethod } from '../src/descriptors/operation-method';
import { YOUNG_MS } from '../src/model/error-table';
import { configurationError } from '../src/model/failure';
import { intervalAtAge, nextInterval, WATCH_BELOW_MS } from '../src/model/schedule';
import { unknownCloudText, type ActivityContext } from './context';
import { logPoll } from './observe';
import { notFoundInARow, outcomeOf, pollAgain } from './poll';
import { Lease } from './watcher';

/**
 * Activity `operation.get`: polls an operation. While the intervals of its wait are short, the worker's watcher polls
 * it and the activity completes asynchronously; otherwise one attempt is one poll, and what does not end the wait is
 * slept by the workflow or by the server's retry of the activity.
 */
export async function getOperation(context: ActivityContext, input: GetInput): Promise<GetResult> {
  const activity = Context.current();
  const { currentAttemptScheduledTimestampMs } = activity.info;
  const { schedule } = input;
  const ageMs = currentAttemptScheduledTimestampMs - input.startedAtMs;
  const random = context.random();
  const cloud = servingCloud(context, input);
  if (typeof cloud === 'string') {
    // Later a broken deploy is likelier than a wrong name, and somebody will mend it.
    if (input.by === undefined || ageMs < YOUNG_MS) throw configurationError(input.cloud, cloud, input.operationId);
    throw pollAgain(cloud, nextInterval(schedule, Infinity, random));
  }
  const isShort = input.by !== undefined && intervalAtAge(schedule, scheduleAge(input, ageMs)) < WATCH_BELOW_MS;
  if (isShort && cloud.watch && context.watcher.watch(cloud, new Lease(input, activity))) {
    throw new CompleteAsyncError();
  }

  const outcome = await outcomeOf(cloud.get(input.operationId, activity.cancellationSignal));
  const notFound = notFoundInARow(activity, outcome);
  const decision = decide(input, outcome, { ageMs, failures: 1, notFound, random, registry: cloud.registry });
  logPoll(activity.log, input, outcome, decision);
  switch (decision.next) {
    case 'return':
      return decision.result;
    case 'fail':
      throw decision.failure;
    case 'poll':
      throw pollAgain(decision.message, decision.intervalMs);
  }
}

/** The cloud of a wait; or why this worker cannot serve the wait, what it configures, and what to change. */
function servingCloud(context: ActivityContext, { cloud: name, method }: GetInput): Cloud | string {
  const cloud = context.clouds.get(name);
  if (!cloud) return unknownCloudText(name, context);
  const found = method === undefined ? undefined : findOperationMethod(cloud.registry, method);
  return typeof found === 'string' ? `method: ${found}` : cloud;
}
