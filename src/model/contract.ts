import type { PollRecord } from './evidence';
import { CANCEL_ACTIVITY, GET_ACTIVITY, START_ACTIVITY } from './names';
import type { PollSchedule } from './schedule';
import type { JsonObject, OperationSnapshot, OperationStatus } from './snapshot';

// What activities take and return: workflows and workers of different versions meet by these shapes.

/** One wait as its polls see it: plain JSON, the input of the activity `operation.get`. */
export interface GetInput {
  cloud: string;
  operationId: string;
  /** When the wait began by Temporal's clock, in epoch milliseconds. */
  startedAtMs: number;
  /** Where the schedule began anew, as after a cancellation. @default startedAtMs */
  scheduledFromMs?: number;
  schedule: PollSchedule;
  /** Where intervals of 5 s and more are slept. Undefined: a single look, which returns whatever it finds. */
  by?: 'timer' | 'activityRetry';
  onRollback?: 'wait' | 'fail';
  /** Whether the workflow has started the operation, or has seen it. */
  known?: boolean;
  /** Which wait of the workflow run this is; undefined for a look that is no wait's. */
  wait?: number;
  /** The path of the method that started the operation: its response must have the type which that method promises. */
  method?: string;
  /** What earlier polls of the wait have shown. @default nothing */
  record?: PollRecord;
  /** Whether a refusal is returned as soon as it begins, so that the workflow can show it. @default false */
  returnRefusal?: boolean;
}

/** What the workflow learns from a poll: the operation, or that the cloud refuses to show a known one for now. */
export type GetResult = OperationSeen | { refused: RefusedPoll };

export interface OperationSeen {
  operation: OperationSnapshot;
  /** How long the server asked to wait before the next poll. */
  hintMs?: number;
}

/** A refusal that the wait waits out. */
export interface RefusedPoll {
  status: OperationStatus;
  record: PollRecord;
  /** How long to wait before the next poll. */
  delayMs: number;
  /** The operation as a watch last saw it, and when, in epoch milliseconds. */
  seen?: { operation: OperationSnapshot; atMs: number };
}

/** The input of the activity `operation.cancel`. */
export interface CancelInput {
  cloud: string;
  operationId: string;
  /** When the wait began by Temporal's clock, in epoch milliseconds; where nobody waits, when this was asked for. */
  startedAtMs: number;
  /** What the polls of the wait have shown. No error of a poll ends the cancellation of a known operation. */
  record?: PollRecord;
  /** Which wait of the workflow run it is that goes on without its watch. */
  wait?: number;
  /** The path of the method that started the operation, as for a poll. */
  method?: string;
}

/** What came of the request. `operation` is the state right after it. */
export interface CancelResult {
  operation: OperationSnapshot;
  /** Why the cloud will never accept the request: it does not support it, or not for this operation. */
  refused?: OperationStatus;
}

/** The input of the activity `operation.start`. */
export interface StartInput {
  cloud: string;
  /** `/package.Service/Method`, with or without the leading slash. */
  method: string;
  request: JsonObject;
  /** Drawn by the workflow: whoever repeats the start, the cloud sees the same one. */
  idempotencyKey: string;
  /** Whether the caller expects the response type that the method promises. */
  typed: boolean;
  /** Whether a busy cloud fails the attempt retryably, since the history of the workflow is long. @default false */
  retryBusy?: boolean;
}

/** What an attempt led to, as far as the cloud answered. */
export type StartResult =
  | { outcome: 'started'; operation: OperationSnapshot }
  /** Nothing was begun: another operation is in the way. */
  | { outcome: 'conflict'; conflictingOperationId: string; refused: OperationStatus }
  /** Nothing was begun: the cloud has too much to do. `delayMs` is what it asked to wait, 0 where it did not say. */
  | { outcome: 'busy'; delayMs: number; refused: OperationStatus };

/** The second detail of a failure with which a start is refused. */
export interface StartRefusal {
  /** The cloud has not answered: the refusal tells nothing of what an attempt before has led to. */
  neverSent: boolean;
}

/** The type of a failure after which the operation may have begun; `details[0]` is the OperationStatus, where there is one. */
export const OUTCOME_UNKNOWN = 'OperationStartUnknown';

/** The activities by their names on the wire. */
export type OperationActivities = {
  [GET_ACTIVITY](input: GetInput): Promise<GetResult>;
  [CANCEL_ACTIVITY](input: CancelInput): Promise<CancelResult>;
  [START_ACTIVITY](input: StartInput): Promise<StartResult>;
};

/** The type of a retryable failure of a start with `retryBusy`; its details are the OperationStatus and a {@link StartDoubt}. */
export const START_BUSY = 'OperationStartBusy';

/** What earlier attempts of the same activity leave, in its heartbeat details and in its failures. */
export interface StartDoubt {
  /** An attempt may have started the operation. */
  outcomeUnknown: boolean;
}
