import type { RefusedPoll } from '../src/model/contract';
import { KNOWN_OPERATION, recordOutcome, UNKNOWN_OPERATION, type PollRecord } from '../src/model/evidence';
import { OptionError } from '../src/model/options';
import { isDone, type OperationSnapshot, type ShownOperation } from '../src/model/snapshot';

/**
 * What a wait knows: plain JSON, so that it survives continue-as-new. Times are epoch milliseconds by Temporal's clock.
 */
export interface WaitState {
  startedAtMs: number;
  /** Polls that came back to the workflow; those of a watch do not. */
  polls: number;
  timers: number;
  /** The operation as last seen; undefined before the first poll. */
  operation?: OperationSnapshot;
  lastPolledAtMs?: number;
  /** When the wait that sleeps polls next; undefined before the first poll. */
  nextPollAtMs?: number;
  /** What the polls have shown so far. @default by `operation` */
  record?: PollRecord;
  /** The refusal that the wait is waiting out. */
  pollError?: NonNullable<ShownOperation['pollError']>;
  /** How often a refusal has begun. */
  refusals?: number;
  /** Called after every poll that came back. Of this run only: no part of what continue-as-new carries. */
  onPoll?: () => void;
}

export function beginWait(): WaitState {
  return { startedAtMs: Date.now(), polls: 0, timers: 0 };
}

/** The wait that the former run of a workflow handed on; throws an OptionError for anything else. */
export function continuedWait(continued: unknown): WaitState {
  if (isWaitState(continued)) return continued;
  throw new OptionError('continued', continued, 'leave it out: a workflow that continues as new hands it to itself');
}

function isWaitState(value: unknown): value is WaitState {
  if (typeof value !== 'object' || value === null) return false;
  const { startedAtMs, polls, timers }: Partial<Record<keyof WaitState, unknown>> = value;
  return [startedAtMs, polls, timers].every((number) => typeof number === 'number');
}

/** An operation that this workflow has started or seen is known, whatever later polls say. */
export function evidenceOf({ record, operation }: WaitState): PollRecord {
  return record ?? (operation ? KNOWN_OPERATION : UNKNOWN_OPERATION);
}

/** What counts after a poll that came back: the first end that is seen is final, whatever a later reply says. */
export function recordPoll(state: WaitState, operation: OperationSnapshot): OperationSnapshot {
  if (state.operation && isDone(state.operation)) return state.operation;
  state.polls++;
  state.record = recordOutcome(evidenceOf(state), 'succeeded', Date.now() - state.startedAtMs);
  state.operation = operation;
  state.lastPolledAtMs = Date.now();
  delete state.pollError;
  state.onPoll?.();
  return operation;
}

/** A refusal that is being waited out; the next poll is due when it says. */
export function recordRefusal(state: WaitState, { status, record, delayMs, seen }: RefusedPoll): void {
  const { code, codeName, message } = status;
  state.polls++;
  if (!state.pollError) state.refusals = (state.refusals ?? 0) + 1;
  state.record = record;
  if (seen && seen.atMs > (state.lastPolledAtMs ?? 0)) {
    state.operation = seen.operation;
    state.lastPolledAtMs = seen.atMs;
  }
  state.nextPollAtMs = Date.now() + delayMs;
  const since = state.startedAtMs + (record.refusedSinceMs ?? Date.now() - state.startedAtMs);
  state.pollError = { code, codeName, message, since: rfc3339(since), nextPollAt: rfc3339(state.nextPollAtMs) };
  state.onPoll?.();
}

/** What the query of a workflow type answers. `id` is that of the operation, as far as it is known. */
export function shownOperation(cloud: string, id: string, state: WaitState): ShownOperation {
  const { operation, lastPolledAtMs, pollError } = state;
  return {
    ...(operation ?? { cloud, id, state: 'running' }),
    ...(lastPolledAtMs !== undefined && { lastPolledAt: rfc3339(lastPolledAtMs) }),
    ...(pollError && { pollError }),
  };
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
