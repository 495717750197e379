import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Cloud } from '../src/cloud/cloud';
import { decide, type PollOutcome } from '../src/cloud/decide';
import { OperationServiceError } from '../src/cloud/error';
import { pollVerdict, retryDelayMs } from '../src/model/error-table';
import { configurationError } from '../src/model/failure';
import { redact } from '../src/model/redact';
import { nextInterval } from '../src/model/schedule';
import { isDone, type OperationSnapshot, type OperationStatus } from '../src/model/snapshot';
import { unknownCloudText, type ActivityContext } from './context';
import { outcomeOf, recordBefore, leaveRecord } from './poll';

export interface CancelInput {
  cloud: string;
  operationId: string;
  /** When the wait began by Temporal's clock, in epoch milliseconds; where nobody waits, when this was asked for. */
  startedAtMs: number;
  /** Which wait of the workflow run it is that goes on without its watch. */
  wait?: number;
  /** The path of the method that started the operation, as for a poll. */
  method?: string;
}

/** What came of the request. `operation` is the state right after it. */
export interface CancelResult {
  operation: OperationSnapshot;
  /** Why the cloud did not accept the request: it does not support it, or not in this state, or not from us. */
  refused?: OperationStatus;
}

/** A lost worker is noticed within the heartbeat timeout; an attempt that is quicker than this sends none. */
const HEARTBEAT_INTERVAL_MS = 2_000;
/** Of attempts: an operation that nobody wants costs money. */
const SCHEDULE = { initialIntervalMs: 1_000, ageFraction: 0.1, maximumIntervalMs: 10_000, jitter: 0.2 };

/**
 * Activity `operation.cancel`: drops the watch of the waiting workflow, polls, and sends Cancel unless the operation is
 * done: a late Cancel is known to overwrite the outcome of a finished one. Trouble in transit is retried by the server.
 */
export async function cancelOperation(context: ActivityContext, input: CancelInput): Promise<CancelResult> {
  const { cloud: name, operationId, startedAtMs, wait } = input;
  const activity = Context.current();
  const { currentAttemptScheduledTimestampMs, workflowExecution } = activity.info;
  const cloud = context.clouds.get(name);
  if (!cloud) {
    const message = unknownCloudText(name, context);
    // As for a poll: later a broken deploy is likelier than a wrong name.
    if (currentAttemptScheduledTimestampMs - startedAtMs >= 60_000) throw again(context, message);
    throw configurationError(name, message, operationId);
  }
  if (wait !== undefined) context.watcher.drop(name, operationId, workflowExecution?.runId, wait);
  const heartbeats = setInterval(() => activity.heartbeat(), HEARTBEAT_INTERVAL_MS);
  try {
    const before = snapshotOf(context, cloud, input, await outcomeOf(cloud.get(operationId)));
    if (isDone(before)) return { operation: before };
    const outcome = await outcomeOf(cloud.cancel(operationId));
    if ('error' in outcome && outcome.error instanceof OperationServiceError) {
      const { code, codeName, rawMessage, details, message } = outcome.error;
      if (pollVerdict(codeName) === 'transient') throw again(context, message, retryDelayMs(details));
      return { operation: before, refused: { code, codeName, message: rawMessage, details } };
    }
    return { operation: snapshotOf(context, cloud, input, outcome) };
  } finally {
    clearInterval(heartbeats);
  }
}

/** The snapshot of a call; throws what ends the activity, or {@link again} for what does not. */
function snapshotOf(
  context: ActivityContext,
  cloud: Cloud,
  input: CancelInput,
  outcome: PollOutcome,
): OperationSnapshot {
  const activity = Context.current();
  const { currentAttemptScheduledTimestampMs, scheduledTimestampMs } = activity.info;
  const before = recordBefore(activity, {});
  const given = { ...input, scheduledFromMs: scheduledTimestampMs, schedule: SCHEDULE };
  const { decision, record } = decide(given, outcome, {
    ageMs: currentAttemptScheduledTimestampMs - input.startedAtMs,
    record: before,
    random: context.random(),
    registry: cloud.registry,
  });
  leaveRecord(activity, before, record);
  switch (decision.next) {
    case 'return':
      if ('operation' in decision.result) return decision.result.operation;
      throw again(context, 'refused');
    case 'fail':
      throw decision.failure;
    case 'poll':
      throw again(context, decision.message, decision.intervalMs);
  }
}

/** The attempt ends and the server starts another one. The message is told to the caller where time runs out. */
function again(context: ActivityContext, message: string, delayMs = 0): ApplicationFailure {
  const { currentAttemptScheduledTimestampMs, scheduledTimestampMs } = Context.current().info;
  const ageMs = currentAttemptScheduledTimestampMs - scheduledTimestampMs;
  return ApplicationFailure.create({
    type: 'OperationNotCancelled',
    message: redact(message),
    nextRetryDelay: nextInterval(SCHEDULE, ageMs, context.random(), delayMs),
    category: 'BENIGN',
  });
}
