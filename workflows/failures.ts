import type { StartInput } from '../src/model/contract';
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
import { MAXIMUM_ID_BYTES, OptionError, show } from '../src/model/options';
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
import type { ConfirmedCancel } from './cancel';
import type { WaitState } from './state';
import type { Target } from './target';

/** Which cloud and operation a failure is about; not yet checked where the failure is about just that. */
type Subject = { cloud?: unknown; operationId?: unknown } | null | undefined;

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
 * A new failure, without the activity's: a rethrown ActivityFailure would be retried by every parent's policy and show
 * the stack of a worker.
 */
function callerFailure(err: unknown, subject: Subject): unknown {
  const cloud = named(subject?.cloud);
  if (err instanceof OptionError) return configurationError(cloud, err.message);
  if (!(err instanceof ActivityFailure) || !err.cause) return err;
  // The worker refuses what it returns, and the server what a watch reports, where a codec has made it too large.
  const isTooLarge = err.cause instanceof ApplicationFailure && err.cause.type === 'PayloadsTooLarge';
  if (isTooLarge || err.cause instanceof ServerFailure) {
    const { message } = err.cause;
    const operationId = named(subject?.operationId);
    return toApplicationFailure({
      type: 'OperationUnreadable',
      cloud,
      operationId,
      message: `${operationName(cloud, operationId)} cannot be returned: it is larger than the server accepts (${message})`,
      details: [],
    });
  }
  if (!(err.cause instanceof ApplicationFailure)) return err;
  if (!operationFailure(err)) return failedByHand(err.activityType, err.cause, cloud, named(subject?.operationId));
  const { message, type, details, nonRetryable } = err.cause;
  return ApplicationFailure.create({
    message,
    ...(type ? { type } : {}),
    ...(details ? { details } : {}),
    nonRetryable: nonRetryable ?? false,
  });
}

/** Our activities fail for good with failures of ours alone: somebody else has failed this one. */
function failedByHand(
  activity: string,
  { message }: ApplicationFailure,
  cloud: string,
  operationId: string,
): ApplicationFailure {
  const code = statusCode('UNKNOWN');
  return toApplicationFailure({
    type: 'OperationServiceError',
    cloud,
    operationId,
    code,
    codeName: codeName(code),
    message: `${operationName(cloud, operationId)}: its activity ${activity} was failed from outside (${message}). The operation may still be running`,
    details: [],
  });
}

/** What a caller gave for a name, for the details of a failure: Temporal does not carry names of any length. */
function named(given: unknown): string {
  return typeof given === 'string' && given.length <= MAXIMUM_ID_BYTES ? given : show(given);
}

/**
 * Runs `work`; an operation that failed with a code that may pass is one that is worth executing again, unless the
 * caller was cancelled: the server retries a workflow that fails, whoever has cancelled it.
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
 * An activity that ran out of its `scheduleToCloseTimeout`, whatever it failed of last; rethrows failures of ours,
 * which are final.
 */
export function notInTime(err: unknown): undefined {
  if (err instanceof ActivityFailure && !operationFailure(err)) return undefined;
  throw err;
}

/** Why an activity was not done {@link notInTime}: what its last attempt failed of. */
export function lastProblem(err: unknown): string {
  // Nothing is polled any more.
  return lastAttempt(err)?.message.replace(/, next poll in [^,]*$/, '') ?? 'no answer came in time';
}

/**
 * How the last attempt of an activity failed, as far as it did; another one may have been under way when time ran out.
 */
function lastAttempt(err: unknown): ApplicationFailure | undefined {
  for (let e = err; e instanceof Error; e = e.cause ?? sentCause(e)) if (e instanceof ApplicationFailure) return e;
  return undefined;
}

/** The cause of a timeout, which the SDK leaves as it was sent. */
function sentCause(err: Error): Error | undefined {
  const sent = err instanceof TimeoutFailure ? err.failure?.cause : undefined;
  try {
    return sent ? defaultFailureConverter.failureToError(sent, defaultPayloadConverter) : undefined;
  } catch {
    // By a payload converter of the user's own: what was sent with it cannot be read here.
    return undefined;
  }
}

/**
 * {@link lastProblem} of what only informs, so that whatever it fails of ends nothing; rethrows that the operation has
 * ended.
 */
export function problemUnlessEnded(err: unknown): string {
  if (!(err instanceof ActivityFailure) || isEnd(err)) throw err;
  return lastProblem(err);
}

/** Whether an activity has failed of an operation that is done, but cannot be told. */
export function isEnd(err: unknown): boolean {
  return operationFailure(err)?.type === 'OperationUnreadable';
}

/** What is last known of the operation, for a failure's details. */
export function lastSeen({ operation, lastPolledAtMs }: WaitState): LastSeen {
  return {
    ...(operation && { operation }),
    ...(lastPolledAtMs !== undefined && { lastPolledAt: new Date(lastPolledAtMs).toISOString() }),
  };
}

/**
 * The caller was cancelled. The details are for compensation: the operation as last seen tells what was being built.
 */
export function cancelledFailure(target: Target, end: string, state: WaitState): CancelledFailure {
  const { cloud, operationId } = target;
  return new CancelledFailure(cancelledText(cloud, operationId, end), [{ cloud, operationId, ...lastSeen(state) }]);
}

/** The time that the caller gave the operation is up. */
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

/** The caller was cancelled, and the operation goes on as far as we know. */
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
 * The time for a start is up; `last` is what was in the way. Where an attempt may have begun the operation it is not
 * retryable, since a retry would draw another key and might begin a second one.
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

const NO_ANSWER: OperationStatus = {
  code: statusCode('DEADLINE_EXCEEDED'),
  codeName: 'DEADLINE_EXCEEDED',
  message: 'no worker has answered',
  details: [],
};

/** What the last attempt of `operation.cancel` failed of; rethrows what {@link problemUnlessEnded} does. */
export function notCancelled(err: unknown): NotCancelled {
  const problem = problemUnlessEnded(err);
  const status: unknown = operationFailure(err) ? undefined : lastAttempt(err)?.details?.[0];
  return isOperationStatus(status) ? { refused: status } : { problem };
}

/**
 * How an attempt failed of which nobody knows what it did; undefined where Temporal gave it up, as for a lost worker.
 */
export function attemptStatus({ cause }: ActivityFailure): OperationStatus | undefined {
  if (!(cause instanceof ApplicationFailure)) return undefined;
  const status: unknown = cause.details?.[0];
  // Written by the activity `operation.start`, where the cloud gave one.
  return { ...NO_ANSWER, message: cause.message, ...(typeof status === 'object' && status) };
}

/** Whether an attempt that was refused has got as far as the cloud. */
export function wasSent({ cause }: ActivityFailure): boolean {
  const refusal: unknown = cause instanceof ApplicationFailure ? cause.details?.[1] : undefined;
  return !(typeof refusal === 'object' && refusal !== null && 'neverSent' in refusal && refusal.neverSent === true);
}

/** A single look that somebody asked for and that could not be had in time. The wait goes on. */
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
