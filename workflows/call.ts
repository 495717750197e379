import { ActivityFailure, ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { CancellationScope, getRandomStream, log } from '@temporalio/workflow';
import { CALL_FAILED, isOutcomeKnown, type CallInput } from '../src/model/contract';
import { isRetryable } from '../src/model/error-table';
import { operationFailure, toApplicationFailure } from '../src/model/failure';
import { KEY_STREAM } from '../src/model/names';
import { checkCloudName, checkRequestJson } from '../src/model/options';
import { durationMs, isNil, onlyKeys, plainObject } from '../src/model/check';
import { isOperationStatus, type JsonObject } from '../src/model/snapshot';
import {
  callName,
  callSummary,
  namesRead,
  notAnsweredText,
  OUTCOME_UNKNOWN_TEXT,
  problemsText,
} from '../src/model/unary-call';
import { callUntilAnswered } from './activities';
import { lastAttempt, NO_ANSWER } from './failures';
import { checkMethod, checkTaskQueue } from './target';
import { cancellationOf } from './wait';

const DEFAULT_TIMEOUT_MS = 60_000;

/** A checked call, and the task queue on which it runs. */
interface CallRequest {
  input: CallInput;
  taskQueue?: string;
  timeoutMs: number;
}

/** Checks a caller's input, and draws the idempotency key of the call. Throws an OptionError for invalid input. */
export function resolveCall(
  cloud: unknown,
  method: unknown,
  request: unknown,
  taskQueue: unknown,
  options: unknown,
): CallRequest {
  const given = plainObject('options', options ?? {});
  onlyKeys('', given, ['timeout']);
  return {
    input: {
      cloud: checkCloudName(cloud),
      method: checkMethod(method),
      request: checkRequestJson(request),
      idempotencyKey: getRandomStream(KEY_STREAM).uuid4(),
    },
    ...(isNil(taskQueue) ? {} : { taskQueue: checkTaskQueue(taskQueue) }),
    timeoutMs: isNil(given.timeout) ? DEFAULT_TIMEOUT_MS : durationMs('timeout', given.timeout),
  };
}

/**
 * Calls a method that starts no operation, and returns its reply. Belongs to the scope in which it is called: if the
 * scope is cancelled, a read is given up at once, and a change that was sent is awaited.
 */
export function callMethod(call: CallRequest): Promise<JsonObject> {
  const caller = CancellationScope.current();
  const { cloud, method } = call.input;
  if (caller.consideredCancelled) {
    return Promise.reject(new CancelledFailure(`Cancelled before the call of ${callName(cloud, method)}`));
  }
  return CancellationScope.nonCancellable(() => race(call, caller));
}

async function race(call: CallRequest, caller: CancellationScope): Promise<JsonObject> {
  const { input, timeoutMs } = call;
  const isRead = namesRead(input.method);
  const calling = new CancellationScope();
  const called = calling.run(() => answer(call, isRead));
  // The loser of the race has no other handler.
  called.catch(() => undefined);
  const answered = called.catch((err: unknown) => {
    throw timedOut(err, input, timeoutMs, isRead) ?? err;
  });
  answered.catch(() => undefined);
  const first = await Promise.race([answered, cancellationOf(caller).then(() => undefined)]);
  if (first) return first;
  calling.cancel();
  // Not by awaiting the cancelled read: see OperationWait.run.
  if (isRead) throw new CancelledFailure(`Call of ${callName(input.cloud, input.method)} cancelled`);
  return called.catch((err: unknown) => {
    throw cancelled(err, input);
  });
}

async function answer({ input, taskQueue, timeoutMs }: CallRequest, isRead: boolean): Promise<JsonObject> {
  const { cloud, method, request } = input;
  const limits = { summary: callSummary(method, request), scheduleToCloseTimeoutMs: timeoutMs };
  const { reply, problems } = await callUntilAnswered(input, taskQueue, isRead, limits);
  if (problems) log.warn(problemsText(cloud, method, problems));
  return reply;
}

/** The failure of a call whose timeout has expired; undefined for any other failure. */
function timedOut(
  err: unknown,
  { cloud, method }: CallInput,
  timeoutMs: number,
  isRead: boolean,
): ApplicationFailure | undefined {
  if (!(err instanceof ActivityFailure) || operationFailure(err) || err.cause instanceof CancelledFailure) {
    return undefined;
  }
  const last = lastAttempt(err);
  // Without one, no attempt has failed: none has begun, or the last one was lost.
  if (last && last.type !== CALL_FAILED) return undefined;
  const status: unknown = last?.details?.[0];
  const { code, codeName, message, details } = isOperationStatus(status) ? status : NO_ANSWER;
  const text = notAnsweredText(cloud, method, timeoutMs, { codeName, message });
  const isKnown = isRead || isUnchanged(err);
  return toApplicationFailure(
    {
      type: 'OperationServiceError',
      cloud,
      code,
      codeName,
      message: isKnown ? text : `${text}. ${OUTCOME_UNKNOWN_TEXT}`,
      details,
    },
    !isKnown || !isRetryable(codeName),
  );
}

/** What the caller of a cancelled change gets, whose call did not succeed. */
function cancelled(err: unknown, { cloud, method }: CallInput): unknown {
  const isDone = isUnchanged(err);
  if (!isDone && (operationFailure(err) || !(err instanceof ActivityFailure))) return err;
  const end = isDone ? 'nothing was changed' : 'an attempt whose reply was lost may have taken effect';
  return new CancelledFailure(`Call of ${callName(cloud, method)} cancelled; ${end}`);
}

/** Whether an activity failed by an attempt that tells that neither it nor an earlier one has changed anything. */
function isUnchanged(err: unknown): boolean {
  const { cause } = err instanceof ActivityFailure ? err : {};
  return cause instanceof ApplicationFailure && isOutcomeKnown(cause.details?.[1]);
}
