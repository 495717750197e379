import { ApplicationFailure } from '@temporalio/common';
import { boundStatus } from '../model/bounds';
import { BACKOFF_LIMIT, pollVerdict, retryDelayMs } from '../model/error-table';
import { isNotFoundFinal, isRefusalFinal, recordOutcome, UNKNOWN_OPERATION, type PollRecord } from '../model/evidence';
import { configurationError, toApplicationFailure } from '../model/failure';
import type { GetInput, GetResult } from '../model/contract';
import { hintLimitMs, intervalAtAge, nextInterval, WATCH_BELOW_MS } from '../model/schedule';
import {
  codeName,
  endsWait,
  statusCode,
  type AnyJson,
  type OperationSnapshot,
  type OperationStatus,
} from '../model/snapshot';
import { nameOf, operationName, runningText, statusText } from '../model/texts';
import type { Cloud, Polled } from './cloud';
import { OperationServiceError } from '../apis/error';
import { messageOf } from '../model/thrown';
import { checkResponseType } from './to-snapshot';

/** The outcome of a poll. `unserved` says why this worker cannot poll. */
export type PollOutcome = { polled: Polled } | { error: unknown } | { unserved: string };

/** What to do after a poll: return its result, fail the wait for good, or poll again after `intervalMs`. */
export type Decision =
  | { next: 'return'; result: GetResult }
  | { next: 'fail'; failure: ApplicationFailure }
  | { next: 'poll'; intervalMs: number; message: string };

/** What {@link decide} needs to know besides the outcome of the poll. */
export interface PollContext {
  ageMs: number;
  /** What earlier polls of the wait have shown. @default the input's record */
  record?: PollRecord;
  /** Uniform in [0, 1). */
  random: number;
  /** The cloud that was polled, if this worker configures it. */
  cloud?: Pick<Cloud, 'findStart'>;
}

/** Whether the configuration of this worker does not allow the poll. */
function isMisconfigured(error: unknown): error is ApplicationFailure {
  return error instanceof ApplicationFailure && error.type === 'OperationConfigurationError';
}

/** The age that the schedule uses: since its restart, if it was restarted. `ageMs` is the age of the wait. */
export function scheduleAge({ startedAtMs, scheduledFromMs = startedAtMs }: GetInput, ageMs: number): number {
  return ageMs - (scheduledFromMs - startedAtMs);
}

/**
 * Decides what the outcome of a poll means for its wait, and updates the record. The only place that does: it uses the
 * table of status codes in src/model/error-table.ts and the rules of evidence in src/model/evidence.ts.
 */
export function decide(
  input: GetInput,
  outcome: PollOutcome,
  context: PollContext,
): { decision: Decision; record: PollRecord } {
  const before = context.record ?? input.record ?? UNKNOWN_OPERATION;
  const { ageMs } = context;
  if ('unserved' in outcome) {
    const record = recordOutcome(before, 'unserved', ageMs);
    return { record, decision: decideUnserved(input, outcome.unserved, context, record) };
  }
  if ('polled' in outcome) {
    const record = recordOutcome(before, 'succeeded', ageMs);
    try {
      return { record, decision: decidePolled(input, outcome.polled, context) };
    } catch (err) {
      return { record, decision: decideError(input, err, context, record) };
    }
  }
  const { error } = outcome;
  if (isMisconfigured(error)) return decide(input, { unserved: error.message }, context);
  const verdict = error instanceof OperationServiceError ? pollVerdict(error.codeName) : 'transient';
  const record = recordOutcome(before, verdict, ageMs);
  return { record, decision: decideError(input, error, context, record) };
}

function decidePolled(input: GetInput, polled: Polled, { ageMs, random, cloud }: PollContext): Decision {
  const { operation } = polled;
  const { schedule } = input;
  // JSON cannot express Infinity, and a hint over the limit has no further effect.
  const hintMs = Math.min(polled.hintMs ?? 0, hintLimitMs(schedule));
  if (input.method !== undefined && cloud) checkResponseType(operation, input.method, cloud);
  // The workflow is still showing a refusal, which is now over.
  const wasRefused = input.record?.refusedSinceMs !== undefined;
  if (endsWait(operation, input.onRollback) || wasRefused || input.by === undefined || sleepsInWorkflow(input, ageMs)) {
    return { next: 'return', result: hintMs > 0 ? { operation, hintMs } : { operation } };
  }
  return {
    next: 'poll',
    intervalMs: nextInterval(schedule, scheduleAge(input, ageMs), random, hintMs),
    message: runningText(operation),
  };
}

function sleepsInWorkflow(input: GetInput, ageMs: number): boolean {
  return input.by === 'timer' && intervalAtAge(input.schedule, scheduleAge(input, ageMs)) >= WATCH_BELOW_MS;
}

function decideError(input: GetInput, error: unknown, context: PollContext, record: PollRecord): Decision {
  // Our own failure: the operation has ended, or the input is wrong.
  if (error instanceof ApplicationFailure) return { next: 'fail', failure: error };
  const { cloud, operationId, schedule } = input;
  const { ageMs, random } = context;
  const name = operationName(cloud, operationId);
  const age = scheduleAge(input, ageMs);
  const again = (atLeastMs: number): Decision => ({
    next: 'poll',
    intervalMs: nextInterval(schedule, age, random, atLeastMs),
    message: `${name} could not be polled: ${messageOf(error)}`,
  });
  const backoff = (doublings: number): number =>
    doublings > 0 ? intervalAtAge(schedule, age) * Math.min(2 ** doublings, BACKOFF_LIMIT) : 0;
  const { failures } = record;
  if (!(error instanceof OperationServiceError)) return again(backoff(failures - 1));
  const { code, codeName, rawMessage, details, message, operation } = error;
  switch (pollVerdict(codeName)) {
    case 'transient': {
      const slower = backoff(codeName === 'RESOURCE_EXHAUSTED' ? failures : failures - 1);
      return again(Math.max(slower, retryDelayMs(details)));
    }
    case 'unknown': {
      if (!isNotFoundFinal(record, ageMs)) return again(0);
      if (operation) return { next: 'fail', failure: unreadResource(operation, message, details) };
      const unknown = `${name} is not known to the cloud (${statusText({ codeName, message: rawMessage })}): its outcome is unknown. It has expired, belongs to another cloud or account, or the id is wrong`;
      return {
        next: 'fail',
        failure: toApplicationFailure({ type: 'OperationNotFound', cloud, operationId, message: unknown, details }),
      };
    }
    case 'refused': {
      const status = { code, codeName, message: rawMessage, details };
      if (!isRefusalFinal(record, ageMs)) return waitOut(input, status, message, context, record);
      return {
        next: 'fail',
        failure: toApplicationFailure({
          type: 'OperationServiceError',
          cloud,
          operationId,
          code,
          codeName,
          message,
          details,
        }),
      };
    }
  }
}

/** The operation has succeeded, but its resource is not there to read. */
function unreadResource(operation: OperationSnapshot, reason: string, details: AnyJson[]): ApplicationFailure {
  const { cloud, id: operationId } = operation;
  const message = `${nameOf(operation)} succeeded, but its resource cannot be read: ${reason}. It may have been deleted since`;
  return toApplicationFailure({ type: 'OperationUnreadable', cloud, operationId, message, details, operation });
}

/** The worker does not configure the cloud or the method of the wait. */
function decideUnserved(input: GetInput, problem: string, context: PollContext, record: PollRecord): Decision {
  const { cloud, operationId } = input;
  if (isRefusalFinal(record, context.ageMs)) {
    return { next: 'fail', failure: configurationError(cloud, problem, operationId) };
  }
  const code = statusCode('FAILED_PRECONDITION');
  const status = { code, codeName: codeName(code), message: problem, details: [] };
  return waitOut(input, status, problem, context, record);
}

/** Keeps polling at longer intervals and shows the refusal until someone fixes its cause. */
function waitOut(
  input: GetInput,
  status: OperationStatus,
  reason: string,
  { ageMs, random }: PollContext,
  record: PollRecord,
): Decision {
  const { cloud, operationId, schedule } = input;
  const slower = BACKOFF_LIMIT * intervalAtAge(schedule, scheduleAge(input, ageMs));
  const atLeastMs = Math.min(slower, schedule.maximumIntervalMs);
  const intervalMs = nextInterval(schedule, scheduleAge(input, ageMs), random, atLeastMs);
  const isNew = input.returnRefusal === true && input.record?.refusedSinceMs === undefined;
  if (isNew || sleepsInWorkflow(input, ageMs)) {
    return { next: 'return', result: { refused: { status: boundStatus(status), record, delayMs: intervalMs } } };
  }
  return {
    next: 'poll',
    intervalMs,
    message: `${operationName(cloud, operationId)} could not be polled: ${reason}`,
  };
}
