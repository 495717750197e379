import type {
  CallInput,
  CallResult,
  CancelResult,
  GetResult,
  OperationSeen,
  RefusedPoll,
  StartResult,
  UntilResult,
} from '../src/model/contract';
import { readPollRecord } from '../src/model/evidence';
import { toApplicationFailure } from '../src/model/failure';
import { isObject, show } from '../src/model/check';
import { isOperationStatus, isSnapshot } from '../src/model/snapshot';
import { operationName } from '../src/model/texts';
import { callName } from '../src/model/unary-call';

/**
 * These functions check an activity's result: it may have been completed by hand, and a value of another shape would
 * fail the workflow task again and again. Each throws an `OperationUnreadable` failure for an invalid result.
 */

type Subject = { cloud: string; operationId: string };

export function checkGetResult(result: GetResult, subject: Subject): GetResult {
  if (isObject(result)) {
    if ('operation' in result && isSnapshot(result.operation)) return result;
    if ('refused' in result && isRefusedPoll(result.refused)) {
      const { seen } = result.refused;
      if (seen === undefined || (isObject(seen) && isSnapshot(seen.operation) && isMs(seen.atMs))) return result;
    }
  }
  throw unexpected('operation.get', result, subject);
}

function isRefusedPoll(refused: RefusedPoll | undefined): boolean {
  if (!isObject(refused)) return false;
  const { status, record, delayMs } = refused;
  return isOperationStatus(status) && isRecord(record) && isMs(record.refusedSinceMs ?? 0) && isMs(delayMs);
}

function isRecord(record: unknown): boolean {
  return readPollRecord(record) !== undefined;
}

/** The result of a single look, which never returns a refusal. */
export function checkLookResult(result: GetResult, subject: Subject): OperationSeen {
  const checked = checkGetResult(result, subject);
  if ('operation' in checked) return checked;
  throw unexpected('operation.get', result, subject);
}

export function checkCancelResult(result: CancelResult, subject: Subject): CancelResult {
  const isResult =
    isObject(result) &&
    isSnapshot(result.operation) &&
    (result.refused === undefined || isOperationStatus(result.refused));
  if (isResult) return result;
  throw unexpected('operation.cancel', result, subject);
}

export function checkStartResult(result: StartResult, cloud: string): StartResult {
  if (isObject(result)) {
    switch (result.outcome) {
      case 'started':
        if (isSnapshot(result.operation)) return result;
        break;
      case 'conflict':
        if (typeof result.conflictingOperationId === 'string' && isOperationStatus(result.refused)) return result;
        break;
      case 'busy':
        if (typeof result.delayMs === 'number' && isOperationStatus(result.refused)) return result;
    }
  }
  throw unexpected('operation.start', result, { cloud, operationId: '' }, `a start in ${cloud}`);
}

export function checkCallResult(result: CallResult, { cloud, method }: CallInput): CallResult {
  if (isObject(result) && isObject(result.reply)) {
    const { reply, problems } = result;
    if (problems === undefined || isProblems(problems)) return { reply, ...(problems && { problems }) };
  }
  throw unexpected('operation.call', result, { cloud, operationId: '' }, callName(cloud, method));
}

function isProblems(value: unknown): boolean {
  const isProblem = (one: unknown): boolean => isObject(one) && 'path' in one && 'problem' in one;
  return Array.isArray(value) && value.every(isProblem);
}

export function checkUntilResult(
  result: UntilResult,
  { cloud, method }: { cloud: string; method: string },
): UntilResult {
  if (isObject(result)) {
    const { outcome } = result;
    const isReply = (reply: unknown): boolean => reply === undefined || isObject(reply);
    switch (outcome) {
      case 'matched':
        if (isReply(result.reply) && (result.problems === undefined || isProblems(result.problems))) return result;
        break;
      case 'pending':
        if (typeof result.seen === 'string' && isRecord(result.record) && isReply(result.reply)) return result;
        break;
      case 'refused':
        if (isRefusedPoll(result.refused)) {
          const { seen } = result.refused;
          if (seen === undefined || (isObject(seen) && typeof seen.seen === 'string' && isMs(seen.atMs))) return result;
        }
    }
  }
  throw unexpected('operation.until', result, { cloud, operationId: '' }, callName(cloud, method));
}

/** A `Date` cannot represent times further from 1970, and throws. */
const MAXIMUM_MS = 4e15;

/** Whether a number of milliseconds can be added to a time. */
function isMs(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) <= MAXIMUM_MS;
}

function unexpected(
  activity: string,
  result: unknown,
  { cloud, operationId }: Subject,
  name = operationName(cloud, operationId),
): Error {
  return toApplicationFailure({
    type: 'OperationUnreadable',
    cloud,
    operationId,
    message: `The activity ${activity} of ${name} returned ${show(result)}, which is not a valid result: the activity was completed by hand, or by a worker of another version. The outcome is unknown: check the resource itself`,
    details: [],
  });
}
