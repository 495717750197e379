import { OptionError } from '../src/model/options';
import { isDone, type OperationSnapshot } from '../src/model/snapshot';

/** What a wait knows: plain JSON, so that it survives continue-as-new. Times are epoch milliseconds by Temporal's clock. */
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
  /** Called after every poll that came back. Of this run only: no part of what continue-as-new carries. */
  onPoll?: (operation: OperationSnapshot, lastPolledAtMs: number) => void;
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

/** What counts after a poll that came back: the first end that is seen is final, whatever a later reply says. */
export function recordPoll(state: WaitState, operation: OperationSnapshot): OperationSnapshot {
  if (state.operation && isDone(state.operation)) return state.operation;
  state.polls++;
  state.operation = operation;
  state.lastPolledAtMs = Date.now();
  state.onPoll?.(operation, state.lastPolledAtMs);
  return operation;
}
