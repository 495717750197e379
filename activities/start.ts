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
  type CallDoubt,
  type StartDoubt,
  type StartInput,
  type StartRefusal,
  type StartResult,
} from '../src/model/contract';
import { configurationError, toApplicationFailure } from '../src/model/failure';
import { nextInterval, START_SCHEDULE } from '../src/model/schedule';
import { statusCode, type OperationStatus } from '../src/model/snapshot';
import { unmarkedText } from '../src/model/start-texts';
import { startVerdict } from '../src/model/start-verdict';
import { durationText } from '../src/model/texts';
import { messageOf } from '../src/model/thrown';
import { Attempt } from './attempt';
import { countConflict } from './observe';
import { unknownCloudText, type ActivityContext } from './context';
import { isInDoubt } from './doubt';
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
  const isMarked = cloud.isMarked(method, request);
  const attempt = new Attempt(Context.current());
  try {
    if (!isMarked && (input.mayHaveStarted || isInDoubt(Context.current().info))) {
      throw unmarkedFailure(input, cloud.api, 'An attempt to start was lost', NO_ANSWER);
    }
    const started = await cloud.start(method, request, idempotencyKey, attempt.wanted, attempt.running);
    const operation = checkSize(started.operation);
    if (input.typed) checkResponseType(operation, method, cloud);
    return { outcome: 'started', operation };
  } catch (err) {
    if (err instanceof OperationServiceError)
      return answered(context, input, attempt, err, { api: cloud.api, isMarked });
    // Our own failure, for an invalid input or for an operation that violates the contract.
    if (err instanceof ApplicationFailure) throw err;
    if (!isMarked) throw unmarkedFailure(input, cloud.api, messageOf(err), NO_ANSWER);
    throw outcomeUnknown(context, input.cloud, attempt, messageOf(err));
  } finally {
    attempt.end();
  }
}

interface Served {
  api: OperationsApi;
  /** Whether the cloud takes a repeated start with the same key for the same start. */
  isMarked: boolean;
}

function answered(
  context: ActivityContext,
  input: StartInput,
  attempt: Attempt,
  error: OperationServiceError,
  { api, isMarked }: Served,
): StartResult {
  const { cloud, retryBusy } = input;
  const { code, codeName, message, rawMessage, details, neverSent } = error;
  const refused = boundStatus({ code, codeName, message: rawMessage, details });
  const found = startVerdict({ ...refused, neverSent }, api.refusals);
  switch (found.verdict) {
    case 'conflict':
      countConflict(cloud);
      return { outcome: 'conflict', conflictingOperationId: found.conflictingOperationId, refused };
    case 'busy':
      if (retryBusy) throw busyFailure(context, message, refused, isMarked ? undefined : attempt);
      return { outcome: 'busy', delayMs: retryDelayMs(details), refused };
    case 'unknown':
      if (!isMarked) throw unmarkedFailure(input, api, message, refused);
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

/** The failure of a start that must not be repeated, although the operation may have started. */
function unmarkedFailure(
  { cloud, request }: StartInput,
  { name }: OperationsApi,
  reason: string,
  { code, codeName, details }: OperationStatus,
): ApplicationFailure {
  const type = 'OperationServiceError';
  const message = unmarkedText(reason, name, request);
  const failure = toApplicationFailure({ type, cloud, code, codeName, message, details });
  const refusal: StartRefusal = { neverSent: false, outcomeUnknown: true };
  return ApplicationFailure.create({
    type,
    message: failure.message,
    nonRetryable: true,
    details: [...(failure.details ?? []), refusal],
  });
}

/** `unmarked` is the attempt of a start without a mark: the next attempt must know that this one was answered. */
function busyFailure(
  context: ActivityContext,
  message: string,
  refused: OperationStatus,
  unmarked?: Attempt,
): ApplicationFailure {
  const { info } = Context.current();
  const left: unknown = info.heartbeatDetails;
  const doubt: CallDoubt = { attempt: info.attempt, outcomeUnknown: left !== undefined && !unmarked };
  unmarked?.leave(doubt);
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

/** The status of an attempt without an answer. */
const NO_ANSWER: OperationStatus = { code: statusCode('UNKNOWN'), codeName: 'UNKNOWN', message: '', details: [] };

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
