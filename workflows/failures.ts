import { isOutcomeKnown, START_BUSY, type StartInput, type StartRefusal } from '../src/model/contract';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  defaultFailureConverter,
  defaultPayloadConverter,
  ServerFailure,
  TimeoutFailure,
} from '@temporalio/common';
import { CancellationScope } from '@temporalio/workflow';
import { isRetryable } from '../src/model/error-table';
import { configurationError, operationFailure, toApplicationFailure, type LastSeen } from '../src/model/failure';
import { MAXIMUM_ID_BYTES } from '../src/model/options';
import { fieldsOf, isNil, OptionError, show } from '../src/model/check';
import { codeName, isOperationStatus, statusCode, type OperationStatus } from '../src/model/snapshot';
import { notStartedText } from '../src/model/start-texts';
import {
  cancelledText,
  durationText,
  operationName,
  stillRunningText,
  timedOutText,
  type NotCancelled,
  type TimedOut,
} from '../src/model/texts';
import { callName } from '../src/model/unary-call';
import type { ConfirmedCancel } from './cancel';
import type { WaitState } from './state';
import { pathOf, type Target } from './target';

/** The cloud, and the operation or method, as the caller gave them: they may be the invalid input. */
type Subject = { cloud?: unknown; operationId?: unknown; method?: unknown } | null | undefined;

/**
 * Runs `work` and turns its errors into what callers get. Synchronous errors included: bad input must not fail the
 * task.
 */
export async function withCallerFailure<T>(subject: Subject, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (err) {
    throw callerFailure(err, subject);
  }
}

/**
 * Replaces an ActivityFailure with a new failure. Rethrown as it is, every parent's retry policy would retry it, and it
 * would show a worker's stack.
 */
function callerFailure(err: unknown, subject: Subject): unknown {
  const cloud = named(subject?.cloud);
  if (err instanceof OptionError) return configurationError(cloud, err.message);
  if (!(err instanceof ActivityFailure) || !err.cause) return err;
  // A codec can make a result too large: then the worker rejects it, or the server if a watch reports it.
  const isTooLarge = err.cause instanceof ApplicationFailure && err.cause.type === 'PayloadsTooLarge';
  if (isTooLarge || err.cause instanceof ServerFailure) {
    const { message } = err.cause;
    return toApplicationFailure({
      type: 'OperationUnreadable',
      cloud,
      operationId: operationIdOf(subject),
      message: `${subjectName(cloud, subject)} cannot be returned: it is larger than the server accepts (${message})`,
      details: [],
    });
  }
  if (!(err.cause instanceof ApplicationFailure)) return err;
  if (!operationFailure(err)) return failedByHand(err.activityType, err.cause, cloud, subject);
  const { message, type, details, nonRetryable } = err.cause;
  return ApplicationFailure.create({
    message,
    ...(type ? { type } : {}),
    ...(details ? { details } : {}),
    nonRetryable: nonRetryable ?? false,
  });
}

/** Our activities fail permanently only with our own failure types, so this one was failed from outside. */
function failedByHand(
  activity: string,
  { message }: ApplicationFailure,
  cloud: string,
  subject: Subject,
): ApplicationFailure {
  const code = statusCode('UNKNOWN');
  return toApplicationFailure({
    type: 'OperationServiceError',
    cloud,
    operationId: operationIdOf(subject),
    code,
    codeName: codeName(code),
    message: `${subjectName(cloud, subject)}: its activity ${activity} was failed by hand or by another client (${message}). What it began may still be running`,
    details: [],
  });
}

function operationIdOf(subject: Subject): string {
  return isNil(subject?.operationId) ? '' : named(subject?.operationId);
}

function subjectName(cloud: string, subject: Subject): string {
  const path = pathOf(subject?.method);
  return path === undefined ? operationName(cloud, operationIdOf(subject)) : callName(cloud, path);
}

/** A name that a caller gave, shortened for the details of a failure: Temporal limits their size. */
function named(given: unknown): string {
  return typeof given === 'string' && given.length <= MAXIMUM_ID_BYTES ? given : show(given);
}

/**
 * Runs `work`. Makes the failure of an operation that failed with a transient code retryable, unless the caller was
 * cancelled: the server would retry the workflow even though it was cancelled.
 */
export async function retryable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (err) {
    const failure = operationFailure(err);
    const isWanted = !CancellationScope.current().consideredCancelled;
    if (failure?.type !== 'OperationFailed' || !isRetryable(failure.codeName) || !isWanted) throw err;
    throw toApplicationFailure(failure, false);
  }
}

/**
 * Returns undefined if an activity exceeded its `scheduleToCloseTimeout`. Rethrows our own failures, which are final.
 */
export function notInTime(err: unknown): undefined {
  if (err instanceof ActivityFailure && !operationFailure(err)) return undefined;
  throw err;
}

/** Why an activity was {@link notInTime}: how its last attempt failed. */
function lastProblem(err: unknown): string {
  // There is no next poll any more.
  return lastAttempt(err)?.message.replace(/, next poll in [^,]*$/, '') ?? 'no answer came in time';
}

/** The failure of an activity's last attempt that failed; another attempt may have been in progress at the timeout. */
export function lastAttempt(err: unknown): ApplicationFailure | undefined {
  for (let e = err; e instanceof Error; e = e.cause ?? sentCause(e)) if (e instanceof ApplicationFailure) return e;
  return undefined;
}

/** The cause of a timeout, which the SDK does not decode. */
function sentCause(err: Error): Error | undefined {
  const sent = err instanceof TimeoutFailure ? err.failure?.cause : undefined;
  try {
    return sent ? defaultFailureConverter.failureToError(sent, defaultPayloadConverter) : undefined;
  } catch {
    // A custom payload converter wrote it, so it cannot be decoded here.
    return undefined;
  }
}

/**
 * {@link lastProblem} of an activity that only informs, whose failure is not fatal. Rethrows the {@link isEnd} failure.
 */
export function problemUnlessEnded(err: unknown): string {
  if (!(err instanceof ActivityFailure) || isEnd(err)) throw err;
  return lastProblem(err);
}

/** Whether an activity failed because of what it saw: a result that cannot be read or returned, or a failed resource. */
export function isEnd(err: unknown): boolean {
  const type = operationFailure(err)?.type;
  return type === 'OperationUnreadable' || type === 'ResourceConditionFailed';
}

/** What is last known of the operation, for a failure's details. */
export function lastSeen({ operation, lastPolledAtMs }: WaitState): LastSeen {
  return {
    ...(operation && { operation }),
    ...(lastPolledAtMs !== undefined && { lastPolledAt: new Date(lastPolledAtMs).toISOString() }),
  };
}

/** For a cancelled caller. Compensation can use the details: the operation as last seen names its resource. */
export function cancelledFailure(target: Target, end: string, state: WaitState): CancelledFailure {
  const { cloud, operationId } = target;
  return new CancelledFailure(cancelledText(cloud, operationId, end), [{ cloud, operationId, ...lastSeen(state) }]);
}

/** For a wait whose `timeout` has expired. */
export function timedOutFailure(
  target: Target,
  timeoutMs: number,
  state: WaitState,
  outcome: TimedOut,
): ApplicationFailure {
  const { cloud, operationId } = target;
  const seen = lastSeen(state);
  return toApplicationFailure({
    type: 'OperationTimedOut',
    cloud,
    operationId,
    message: timedOutText(cloud, operationId, timeoutMs, seen, outcome),
    details: outcome.cancel?.refused?.details ?? [],
    ...seen,
  });
}

/** For a cancelled caller whose operation may still be running. */
export function stillRunningFailure(
  cancel: ConfirmedCancel,
  cancelTimeoutMs: number,
  state: WaitState,
): ApplicationFailure {
  const { cloud, id: operationId } = cancel.operation;
  const seen = lastSeen(state);
  return toApplicationFailure({
    type: 'OperationStillRunning',
    cloud,
    operationId,
    message: stillRunningText(cloud, operationId, cancelTimeoutMs, seen, cancel),
    details: cancel.refused?.details ?? [],
    ...seen,
  });
}

/**
 * For a start whose timeout has expired; `last` is the last error. Not retryable if an attempt may have begun the
 * operation: a retry would draw another idempotency key and might begin a second operation.
 */
export function notStartedFailure(
  { cloud, method, idempotencyKey }: StartInput,
  timeoutMs: number,
  last: OperationStatus = NO_ANSWER,
  outcomeUnknown = false,
): ApplicationFailure {
  const { code, codeName, details } = last;
  const message = notStartedText(cloud, method, timeoutMs, last, outcomeUnknown ? idempotencyKey : undefined);
  return toApplicationFailure(
    { type: 'OperationServiceError', cloud, code, codeName, message, details },
    outcomeUnknown,
  );
}

export const NO_ANSWER: OperationStatus = {
  code: statusCode('DEADLINE_EXCEEDED'),
  codeName: 'DEADLINE_EXCEEDED',
  message: 'no worker has answered',
  details: [],
};

/** How the last attempt of `operation.cancel` failed. Rethrows as {@link problemUnlessEnded} does. */
export function notCancelled(err: unknown): NotCancelled {
  const problem = problemUnlessEnded(err);
  const status: unknown = operationFailure(err) ? undefined : lastAttempt(err)?.details?.[0];
  return isOperationStatus(status) ? { refused: status } : { problem };
}

/** The error of an attempt with an unknown outcome; undefined if Temporal timed it out, as for a lost worker. */
export function attemptStatus({ cause }: ActivityFailure): OperationStatus | undefined {
  if (!(cause instanceof ApplicationFailure)) return undefined;
  const status: unknown = cause.details?.[0];
  // The activity `operation.start` adds the cloud's status, if there is one.
  return { ...NO_ANSWER, message: cause.message, ...(typeof status === 'object' && status) };
}

/** The refusal of the last attempt of a start that retries while the cloud is busy; undefined for anything else. */
export function busyStatus(err: ActivityFailure): { refused: OperationStatus; outcomeUnknown: boolean } | undefined {
  const last = lastAttempt(err);
  const [refused, doubt]: unknown[] = last?.type === START_BUSY ? (last.details ?? []) : [];
  if (!isOperationStatus(refused)) return undefined;
  return { refused, outcomeUnknown: !isOutcomeKnown(doubt) };
}

/** What the activity knows of a start that it does not repeat. */
export interface AnsweredStart {
  /** Whether the request was sent to the cloud. */
  wasSent: boolean;
  /** Whether the operation may have started all the same. */
  outcomeUnknown: boolean;
}

export function refusalOf({ cause }: ActivityFailure): AnsweredStart {
  const refusal: unknown = cause instanceof ApplicationFailure ? cause.details?.[1] : undefined;
  const { neverSent, outcomeUnknown }: Partial<Record<keyof StartRefusal, unknown>> = fieldsOf(refusal);
  return { wasSent: neverSent !== true, outcomeUnknown: outcomeUnknown === true };
}

/** For a requested poll that did not succeed in time. The wait continues. */
export function notPolledFailure({ cloud, operationId }: Target, limitMs: number): ApplicationFailure {
  const code = statusCode('UNAVAILABLE');
  return toApplicationFailure({
    type: 'OperationServiceError',
    cloud,
    operationId,
    code,
    codeName: codeName(code),
    message: `${operationName(cloud, operationId)} could not be polled within ${durationText(limitMs)}; its wait goes on`,
    details: [],
  });
}
