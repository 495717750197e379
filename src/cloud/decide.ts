import { ApplicationFailure } from '@temporalio/common';
import { boundStatus } from '../model/bounds';
import { BACKOFF_LIMIT, pollVerdict, retryDelayMs } from '../model/error-table';
import { isRefusalFinal, recordOutcome, UNKNOWN_OPERATION, type PollRecord } from '../model/evidence';
import { configurationError, toApplicationFailure } from '../model/failure';
import type { PollInput, RefusedPoll } from '../model/contract';
import { hintLimitMs, intervalAtAge, nextInterval, WATCH_BELOW_MS } from '../model/schedule';
import { codeName, statusCode, type OperationStatus } from '../model/snapshot';
import { OperationServiceError } from '../apis/error';
import { messageOf } from '../model/thrown';

/** The outcome of a poll. `unserved` says why this worker cannot poll. */
export type PollOutcome<P> = { polled: P } | { error: unknown } | { unserved: string };

/** What to do after a poll: return its result, fail the wait for good, or poll again after `intervalMs`. */
export type Decision<R> =
  | { next: 'return'; result: R }
  | { next: 'fail'; failure: ApplicationFailure }
  | { next: 'poll'; intervalMs: number; message: string };

/** What an answered poll means: the wait has ended, or goes on. Both have the result to return to the workflow. */
export type Judged<R> = { ended: R } | { pending: R; message: string; hintMs?: number };

/** What one kind of wait polls, and what the answers mean for it. `P` is an answer, `R` a result of the activity. */
export interface Judge<P, R> {
  readonly input: PollInput;
  /** Names what is polled, for messages. */
  readonly name: string;
  /** Identifies an operation in the details of failures. */
  readonly operationId?: string;
  /** Judges a reply. Throws the ApplicationFailure with which the wait ends. */
  readonly judge: (polled: P, record: PollRecord) => Judged<R>;
  /** Judges NOT_FOUND: as for a reply, or the failure with which the wait ends, or undefined to poll again. */
  readonly notFound: (
    error: OperationServiceError,
    record: PollRecord,
    ageMs: number,
  ) => Judged<R> | ApplicationFailure | undefined;
  /** The result for a refusal that the wait waits out. */
  readonly refused: (refused: RefusedPoll) => R;
}

/** What {@link decide} needs to know besides the outcome of the poll. */
export interface PollContext {
  ageMs: number;
  /** What earlier polls of the wait have shown. @default the input's record */
  record?: PollRecord;
  /** Uniform in [0, 1). */
  random: number;
}

/** Whether the configuration of this worker does not allow the poll. */
function isMisconfigured(error: unknown): error is ApplicationFailure {
  return error instanceof ApplicationFailure && error.type === 'OperationConfigurationError';
}

/** The age that the schedule uses: since its restart, if it was restarted. `ageMs` is the age of the wait. */
export function scheduleAge({ startedAtMs, scheduledFromMs = startedAtMs }: PollInput, ageMs: number): number {
  return ageMs - (scheduledFromMs - startedAtMs);
}

/**
 * Decides what the outcome of a poll means for its wait, and updates the record. The only place that does: it uses the
 * table of status codes in src/model/error-table.ts and the rules of evidence in src/model/evidence.ts.
 */
export function decide<P, R>(
  judge: Judge<P, R>,
  outcome: PollOutcome<P>,
  context: PollContext,
): { decision: Decision<R>; record: PollRecord } {
  const before = context.record ?? judge.input.record ?? UNKNOWN_OPERATION;
  const { ageMs } = context;
  if ('unserved' in outcome) {
    const record = recordOutcome(before, 'unserved', ageMs);
    return { record, decision: decideUnserved(judge, outcome.unserved, context, record) };
  }
  if ('polled' in outcome) {
    const record = recordOutcome(before, 'succeeded', ageMs);
    try {
      return { record, decision: decideJudged(judge.input, judge.judge(outcome.polled, record), context) };
    } catch (err) {
      return { record, decision: decideError(judge, err, context, record) };
    }
  }
  const { error } = outcome;
  if (isMisconfigured(error)) return decide(judge, { unserved: error.message }, context);
  const verdict = error instanceof OperationServiceError ? pollVerdict(error.codeName) : 'transient';
  const record = recordOutcome(before, verdict, ageMs);
  return { record, decision: decideError(judge, error, context, record) };
}

function decideJudged<R>(input: PollInput, judged: Judged<R>, { ageMs, random }: PollContext): Decision<R> {
  if ('ended' in judged) return { next: 'return', result: judged.ended };
  // The workflow is still showing a refusal, which is now over.
  const wasRefused = input.record?.refusedSinceMs !== undefined;
  if (wasRefused || input.by === undefined || sleepsInWorkflow(input, ageMs)) {
    return { next: 'return', result: judged.pending };
  }
  return {
    next: 'poll',
    intervalMs: nextInterval(input.schedule, scheduleAge(input, ageMs), random, judged.hintMs),
    message: judged.message,
  };
}

/** The server's hint, at most its limit: JSON cannot express Infinity, and a longer hint has no further effect. */
export function boundedHint({ schedule }: PollInput, hintMs = 0): { hintMs?: number } {
  const bounded = Math.min(hintMs, hintLimitMs(schedule));
  return bounded > 0 ? { hintMs: bounded } : {};
}

function sleepsInWorkflow(input: PollInput, ageMs: number): boolean {
  return input.by === 'timer' && intervalAtAge(input.schedule, scheduleAge(input, ageMs)) >= WATCH_BELOW_MS;
}

function decideError<P, R>(judge: Judge<P, R>, error: unknown, context: PollContext, record: PollRecord): Decision<R> {
  // Our own failure: the wait has ended, or its input is wrong.
  if (error instanceof ApplicationFailure) return { next: 'fail', failure: error };
  const { input, name } = judge;
  const { cloud, schedule } = input;
  const { ageMs, random } = context;
  const age = scheduleAge(input, ageMs);
  const again = (atLeastMs: number): Decision<R> => ({
    next: 'poll',
    intervalMs: nextInterval(schedule, age, random, atLeastMs),
    message: `${name} could not be polled: ${messageOf(error)}`,
  });
  const backoff = (doublings: number): number =>
    doublings > 0 ? intervalAtAge(schedule, age) * Math.min(2 ** doublings, BACKOFF_LIMIT) : 0;
  const { failures } = record;
  if (!(error instanceof OperationServiceError)) return again(backoff(failures - 1));
  const { code, codeName, rawMessage, details, message } = error;
  switch (pollVerdict(codeName)) {
    case 'transient': {
      const slower = backoff(codeName === 'RESOURCE_EXHAUSTED' ? failures : failures - 1);
      return again(Math.max(slower, retryDelayMs(details)));
    }
    case 'unknown': {
      const judged = judge.notFound(error, record, ageMs);
      if (judged instanceof ApplicationFailure) return { next: 'fail', failure: judged };
      return judged ? decideJudged(input, judged, context) : again(0);
    }
    case 'refused': {
      const status = { code, codeName, message: rawMessage, details };
      if (!isRefusalFinal(record, ageMs)) return waitOut(judge, status, message, context, record);
      const about = { cloud, ...operationOf(judge), code, codeName, message, details };
      return { next: 'fail', failure: toApplicationFailure({ type: 'OperationServiceError', ...about }) };
    }
  }
}

function operationOf({ operationId }: { operationId?: string }): { operationId?: string } {
  return operationId === undefined ? {} : { operationId };
}

/** The worker does not configure the cloud or the method of the wait. */
function decideUnserved<P, R>(
  judge: Judge<P, R>,
  problem: string,
  context: PollContext,
  record: PollRecord,
): Decision<R> {
  if (isRefusalFinal(record, context.ageMs)) {
    return { next: 'fail', failure: configurationError(judge.input.cloud, problem, judge.operationId) };
  }
  const code = statusCode('FAILED_PRECONDITION');
  const status = { code, codeName: codeName(code), message: problem, details: [] };
  return waitOut(judge, status, problem, context, record);
}

/** Keeps polling at longer intervals and shows the refusal until someone fixes its cause. */
function waitOut<P, R>(
  { input, name, refused }: Judge<P, R>,
  status: OperationStatus,
  reason: string,
  { ageMs, random }: PollContext,
  record: PollRecord,
): Decision<R> {
  const { schedule } = input;
  const slower = BACKOFF_LIMIT * intervalAtAge(schedule, scheduleAge(input, ageMs));
  const atLeastMs = Math.min(slower, schedule.maximumIntervalMs);
  const intervalMs = nextInterval(schedule, scheduleAge(input, ageMs), random, atLeastMs);
  const isNew = input.returnRefusal === true && input.record?.refusedSinceMs === undefined;
  if (isNew || sleepsInWorkflow(input, ageMs)) {
    return { next: 'return', result: refused({ status: boundStatus(status), record, delayMs: intervalMs }) };
  }
  return { next: 'poll', intervalMs, message: `${name} could not be polled: ${reason}` };
}
