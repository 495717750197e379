import type { RefusedPoll } from '../src/model/contract';
import { KNOWN_OPERATION, recordOutcome, UNKNOWN_OPERATION, type PollRecord } from '../src/model/evidence';
import { OptionError } from '../src/model/check';
import { isDone, type OperationSnapshot, type ShownOperation } from '../src/model/snapshot';

/** What continue-as-new carries of a wait: plain JSON. Times are epoch ms by Temporal's clock. */
export interface CarriedWait {
  startedAtMs: number;
  /** Polls returned to the workflow. A worker's watch does not return its polls. */
  polls: number;
  timers: number;
  /** The operation as last seen; undefined before the first poll. */
  operation?: OperationSnapshot;
  lastPolledAtMs?: number;
  /** When a sleeping wait polls next; undefined before the first poll. */
  nextPollAtMs?: number;
  /** The evidence of the polls so far. @default derived from `operation` */
  record?: PollRecord;
  /** The refusal after which the wait now sleeps. */
  pollError?: NonNullable<ShownOperation['pollError']>;
  /** How many series of refusals have begun. */
  refusals?: number;
}

/** The state of a wait in this run. */
export interface WaitState extends CarriedWait {
  /** Called after every poll that returned. */
  onPoll?: () => void;
}

export function beginWait(): WaitState {
  return { startedAtMs: Date.now(), polls: 0, timers: 0 };
}

/** What the next run needs of the wait. */
export function carriedWait({ onPoll: _, ...carried }: WaitState): CarriedWait {
  return carried;
}

/** Checks the state that the former run passed on. Throws an OptionError for anything else. */
export function continuedWait(continued: unknown): CarriedWait {
  if (isCarriedWait(continued)) return continued;
  throw new OptionError('continued', continued, 'leave it out: a workflow that continues as new hands it to itself');
}

function isCarriedWait(value: unknown): value is CarriedWait {
  if (typeof value !== 'object' || value === null) return false;
  const { startedAtMs, polls, timers }: Partial<Record<keyof CarriedWait, unknown>> = value;
  return [startedAtMs, polls, timers].every((number) => typeof number === 'number');
}

/**
 * The evidence of a wait. An operation that this workflow has started or seen stays known, whatever later polls say.
 */
export function evidenceOf({ record, operation }: WaitState): PollRecord {
  return record ?? (operation ? KNOWN_OPERATION : UNKNOWN_OPERATION);
}

/** Records a poll and returns the operation that counts: the first end seen is final, whatever a later reply says. */
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

/** Records a refusal, which also says when the next poll is due. */
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

/** The result of the workflow types' query. `id` is the operation's id, or empty if it is not known yet. */
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
