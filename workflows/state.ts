import type { RefusedPoll, SeenOperation, SeenReply, UntilResult } from '../src/model/contract';
import { KNOWN_OPERATION, recordOutcome, UNKNOWN_OPERATION, type PollRecord } from '../src/model/evidence';
import { OptionError } from '../src/model/check';
import { isDone, type OperationSnapshot, type ShownOperation } from '../src/model/snapshot';

/** What continue-as-new carries of any wait: plain JSON. Times are epoch ms by Temporal's clock. */
export interface CarriedPolling {
  startedAtMs: number;
  /** Polls returned to the workflow. A worker's watch does not return its polls. */
  polls: number;
  timers: number;
  lastPolledAtMs?: number;
  /** When a sleeping wait polls next; undefined before the first poll. */
  nextPollAtMs?: number;
  /** The evidence of the polls so far. @default derived from the operation */
  record?: PollRecord;
  /** The refusal after which the wait now sleeps. */
  pollError?: NonNullable<ShownOperation['pollError']>;
  /** How many series of refusals have begun. */
  refusals?: number;
}

/** The same of a wait for an operation. */
export interface CarriedWait extends CarriedPolling {
  /** The operation as last seen; undefined before the first poll. */
  operation?: OperationSnapshot;
}

/** The same of a wait for a reply. */
export interface CarriedUntil extends CarriedPolling {
  /** What the last reply showed: `status PROVISIONING, wanted RUNNING`. */
  seen?: string;
}

/** What belongs to this run only. */
interface RunState {
  /** Called after every poll that returned. */
  onPoll?: () => void;
}

export interface PollingState extends CarriedPolling, RunState {}
/** The state of a wait for an operation in this run. */
export interface WaitState extends CarriedWait, RunState {}
/** The state of a wait for a reply in this run. */
export interface UntilState extends CarriedUntil, RunState {
  isMatched?: boolean;
}

export function beginWait(): CarriedWait {
  return { startedAtMs: Date.now(), polls: 0, timers: 0 };
}

/** What the next run needs of the wait. */
export function carried<S extends RunState>({ onPoll: _, ...rest }: S): Omit<S, 'onPoll'> {
  return rest;
}

/** Checks the state that the former run passed on. Throws an OptionError for anything else. */
export function continuedWait(continued: unknown): CarriedPolling {
  if (isCarried(continued)) return continued;
  throw new OptionError('continued', continued, 'leave it out: a workflow that continues as new hands it to itself');
}

function isCarried(value: unknown): value is CarriedPolling {
  if (typeof value !== 'object' || value === null) return false;
  const { startedAtMs, polls, timers }: Partial<Record<keyof CarriedPolling, unknown>> = value;
  return [startedAtMs, polls, timers].every((number) => typeof number === 'number');
}

/**
 * The evidence of a wait. An operation that this workflow has started or seen stays known, whatever later polls say.
 */
export function evidenceOf({ record, operation }: PollingState & Pick<WaitState, 'operation'>): PollRecord {
  return record ?? (operation ? KNOWN_OPERATION : UNKNOWN_OPERATION);
}

/** Records a poll and returns the operation that counts: the first end seen is final, whatever a later reply says. */
export function recordPoll(state: WaitState, operation: OperationSnapshot): OperationSnapshot {
  if (state.operation && isDone(state.operation)) return state.operation;
  state.operation = operation;
  recordAnswer(state, recordOutcome(evidenceOf(state), 'succeeded', Date.now() - state.startedAtMs));
  return operation;
}

/** Records a reply that does not match, or that there is none yet. */
export function recordPending(state: UntilState, { seen, record }: UntilResult & { outcome: 'pending' }): void {
  state.seen = seen;
  recordAnswer(state, record);
}

/** Records that a reply matches. */
export function recordMatch(state: UntilState): void {
  state.isMatched = true;
  delete state.seen;
  recordAnswer(state, recordOutcome(evidenceOf(state), 'succeeded', Date.now() - state.startedAtMs));
}

function recordAnswer(state: PollingState, record: PollRecord): void {
  state.polls++;
  state.record = record;
  state.lastPolledAtMs = Date.now();
  delete state.pollError;
  state.onPoll?.();
}

/** Records a refusal, which also says when the next poll is due. */
export function recordRefusal(state: PollingState, { status, record, delayMs }: RefusedPoll): void {
  const { code, codeName, message } = status;
  state.polls++;
  if (!state.pollError) state.refusals = (state.refusals ?? 0) + 1;
  state.record = record;
  state.nextPollAtMs = Date.now() + delayMs;
  const since = state.startedAtMs + (record.refusedSinceMs ?? Date.now() - state.startedAtMs);
  state.pollError = { code, codeName, message, since: rfc3339(since), nextPollAt: rfc3339(state.nextPollAtMs) };
  state.onPoll?.();
}

/** Records what a watch saw before it met a refusal, unless the workflow has seen more since. */
export function recordSeen(state: WaitState, seen: SeenOperation | undefined): void {
  if (!seen || seen.atMs <= (state.lastPolledAtMs ?? 0)) return;
  state.operation = seen.operation;
  state.lastPolledAtMs = seen.atMs;
}

export function recordSeenReply(state: UntilState, seen: (SeenReply & { atMs: number }) | undefined): void {
  if (!seen || seen.atMs <= (state.lastPolledAtMs ?? 0)) return;
  state.seen = seen.seen;
  state.lastPolledAtMs = seen.atMs;
}

/** The result of the workflow types' query. `id` is the operation's id, or empty if it is not known yet. */
export function shownOperation(cloud: string, id: string, state: WaitState): ShownOperation {
  return { ...(state.operation ?? { cloud, id, state: 'running' }), ...shownPolling(state) };
}

/** When the last poll was, and the refusal that the wait is waiting out. */
export function shownPolling({
  lastPolledAtMs,
  pollError,
}: PollingState): Pick<ShownOperation, 'lastPolledAt' | 'pollError'> {
  return {
    ...(lastPolledAtMs !== undefined && { lastPolledAt: rfc3339(lastPolledAtMs) }),
    ...(pollError && { pollError }),
  };
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
