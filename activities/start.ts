import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { OperationsApi } from '../src/apis/api';
import { OperationServiceError } from '../src/apis/error';
import { checkResponseType } from '../src/cloud/to-snapshot';
import { retryDelayMs } from '../src/model/error-table';
import { boundStatus } from '../src/model/bounds';
import {
  OUTCOME_UNKNOWN,
  START_BUSY,
  type StartDoubt,
  type StartInput,
  type StartRefusal,
  type StartResult,
} from '../src/model/contract';
import { configurationError, toApplicationFailure } from '../src/model/failure';
import { nextInterval, START_SCHEDULE } from '../src/model/schedule';
import type { OperationStatus } from '../src/model/snapshot';
import { startVerdict } from '../src/model/start-verdict';
import { durationText } from '../src/model/texts';
import { messageOf } from '../src/model/thrown';
import { Attempt } from './attempt';
import { countConflict } from './observe';
import { unknownCloudText, type ActivityContext } from './context';
import { checkSize } from './poll';

/**
 * Activity `operation.start`: makes one attempt to start an operation. Fails permanently if the cloud refuses, and with
 * a retryable failure of type {@link OUTCOME_UNKNOWN} if it is unknown whether the operation has begun. Awaits a call
 * that was sent, even if the activity is cancelled.
 */
export async function startOperation(context: ActivityContext, input: StartInput): Promise<StartResult> {
  const cloud = context.clouds.get(input.cloud);
  if (!cloud) throw configurationError(input.cloud, unknownCloudText(input.cloud, context));
  const { method, request, idempotencyKey } = input;
  const attempt = new Attempt(Context.current());
  try {
    const started = await cloud.start(method, request, idempotencyKey, attempt.wanted, attempt.running);
    const operation = checkSize(started.operation);
    if (input.typed) checkResponseType(operation, method, cloud.registry);
    return { outcome: 'started', operation };
  } catch (err) {
    if (err instanceof OperationServiceError) return answered(context, input, attempt, err, cloud.api);
    // Our own failure, for an invalid input or for an operation that violates the contract.
    if (err instanceof ApplicationFailure) throw err;
    throw outcomeUnknown(context, input.cloud, attempt, messageOf(err));
  } finally {
    attempt.end();
  }
}

function answered(
  context: ActivityContext,
  { cloud, retryBusy }: StartInput,
  attempt: Attempt,
  error: OperationServiceError,
  { refusals }: OperationsApi,
): StartResult {
  const { code, codeName, message, rawMessage, details, neverSent } = error;
  const refused = boundStatus({ code, codeName, message: rawMessage, details });
  const found = startVerdict({ ...refused, neverSent }, refusals);
  switch (found.verdict) {
    case 'conflict':
      countConflict(cloud);
      return { outcome: 'conflict', conflictingOperationId: found.conflictingOperationId, refused };
    case 'busy':
      if (retryBusy) throw busyFailure(context, message, refused);
      return { outcome: 'busy', delayMs: retryDelayMs(details), refused };
    case 'unknown':
      throw outcomeUnknown(context, cloud, attempt, message, refused);
    case 'refused':
      throw refusedFailure(cloud, error);
  }
}

function refusedFailure(cloud: string, { code, codeName, message, details, neverSent }: OperationServiceError): Error {
  const type = 'OperationServiceError';
  const failure = toApplicationFailure({ type, cloud, code, codeName, message, details });
  const refusal: StartRefusal = { neverSent };
  return ApplicationFailure.create({
    type,
    message: failure.message,
    nonRetryable: true,
    details: [...(failure.details ?? []), refusal],
  });
}

function busyFailure(context: ActivityContext, message: string, refused: OperationStatus): ApplicationFailure {
  const heartbeatDetails: unknown = Context.current().info.heartbeatDetails;
  const doubt: StartDoubt = { outcomeUnknown: heartbeatDetails !== undefined };
  const delayMs = retryInMs(context, refused);
  return ApplicationFailure.create({
    type: START_BUSY,
    message: `${message}; tried again in ${durationText(delayMs)}`,
    details: [refused, doubt],
    nextRetryDelay: delayMs,
    category: 'BENIGN',
  });
}

function outcomeUnknown(
  context: ActivityContext,
  cloud: string,
  attempt: Attempt,
  reason: string,
  status?: OperationStatus,
): ApplicationFailure {
  const doubt: StartDoubt = { outcomeUnknown: true };
  attempt.leave(doubt);
  const delayMs = retryInMs(context, status);
  return ApplicationFailure.create({
    type: OUTCOME_UNKNOWN,
    message: `${reason}; it may have begun in ${cloud} all the same: repeated with the same idempotency key in ${durationText(delayMs)}`,
    details: status ? [status] : [],
    nextRetryDelay: delayMs,
    category: 'BENIGN',
  });
}

/** The time until the next attempt, which must begin before the activity times out. */
export function retryInMs(context: ActivityContext, status?: OperationStatus): number {
  const {
    currentAttemptScheduledTimestampMs: nowMs,
    scheduledTimestampMs,
    scheduleToCloseTimeoutMs,
  } = Context.current().info;
  const ageMs = nowMs - scheduledTimestampMs;
  const intervalMs = nextInterval(START_SCHEDULE, ageMs, context.random(), retryDelayMs(status?.details ?? []));
  // The server skips a retry that would exceed the timeout, so use half of the remaining time instead.
  const leftMs = Math.max(2, (scheduleToCloseTimeoutMs ?? Infinity) - ageMs);
  return Math.min(intervalMs, Math.round(leftMs / 2));
}
