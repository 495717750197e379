import { fieldsOf } from './check';
import type { PollRecord } from './evidence';
import { CALL_ACTIVITY, CANCEL_ACTIVITY, GET_ACTIVITY, START_ACTIVITY, UNTIL_ACTIVITY } from './names';
import type { PollSchedule } from './schedule';
import type { JsonObject, OperationSnapshot, OperationStatus, ValueProblem } from './snapshot';

// The inputs and results of activities. Workflows and workers of different versions exchange these shapes.

/** What a poll needs to know of its wait. Plain JSON. */
export interface PollInput {
  cloud: string;
  /** When the wait began by Temporal's clock, in epoch milliseconds. */
  startedAtMs: number;
  /** When the schedule was restarted, as after a cancellation, in epoch milliseconds. @default startedAtMs */
  scheduledFromMs?: number;
  schedule: PollSchedule;
  /** How to sleep through intervals of 5 s and more. Undefined: a single poll that returns whatever it finds. */
  by?: 'timer' | 'activityRetry';
  /** The number of the wait within the workflow run; undefined for a poll outside a wait. */
  wait?: number;
  /** What earlier polls of the wait have shown. @default nothing */
  record?: PollRecord;
  /** Whether to return the first of consecutive refusals, so that the workflow can show it. @default false */
  returnRefusal?: boolean;
}

/** The input of the activity `operation.get`. */
export interface GetInput extends PollInput {
  operationId: string;
  onRollback?: 'wait' | 'fail';
  /** Whether the workflow has started the operation or has seen it. */
  known?: boolean;
  /** The path of the method that started the operation: the response must have the type that the method declares. */
  method?: string;
  /**
   * The method that started the operation, or the proto service or package: where an API has no host for all operations,
   * it says which host to poll. @default that of `method`
   */
  service?: string;
  /** The resource that the operation works on, from the reply to its start. Some operations do not name it. */
  resourceId?: string;
}

/** The result of a poll: the operation, or that the cloud currently refuses polls of a known operation. */
export type GetResult = OperationSeen | { refused: RefusedPoll & { seen?: SeenOperation } };

export interface OperationSeen {
  operation: OperationSnapshot;
  /** How long the server asks to wait before the next poll. */
  hintMs?: number;
  refused?: never;
}

/** A refusal that does not end the wait. */
export interface RefusedPoll {
  status: OperationStatus;
  record: PollRecord;
  /** How long to wait before the next poll. */
  delayMs: number;
}

/** The operation as a watch last saw it, and the time of that poll in epoch milliseconds. */
export interface SeenOperation {
  operation: OperationSnapshot;
  atMs: number;
}

/** The input of the activity `operation.until`: which reply of a reading method to wait for. */
export interface UntilInput extends PollInput {
  /** `/package.Service/Method`, with or without the leading slash. */
  method: string;
  request: JsonObject;
  /** A partial reply, or that the method answers NOT_FOUND. */
  match: JsonObject | 'absent';
  /** A partial reply with which the wait fails. */
  fail?: JsonObject;
  /** Whether to wait out NOT_FOUND before the first reply. A wait without a timeout would never end by a wrong id. */
  awaitsCreation?: boolean;
}

/** The result of a poll that waits for a reply. */
export type UntilResult =
  /** `reply` is absent if the method answered NOT_FOUND. */
  | { outcome: 'matched'; reply?: JsonObject; problems?: ValueProblem[]; refused?: never }
  | ({ outcome: 'pending'; record: PollRecord; refused?: never } & SeenReply)
  | { outcome: 'refused'; refused: RefusedPoll & { seen?: SeenReply & { atMs: number } } };

/** A reply that does not match. */
export type SeenReply = {
  /** `status PROVISIONING, wanted RUNNING` */
  seen: string;
  /** Bounded. Only a single poll returns it: the history has no other reply that does not match. */
  reply?: JsonObject;
};

/** The input of the activity `operation.cancel`. */
export interface CancelInput {
  cloud: string;
  operationId: string;
  /**
   * When the wait began by Temporal's clock, in epoch milliseconds; without a wait, when the cancellation was
   * requested.
   */
  startedAtMs: number;
  /** What the polls of the wait have shown. A failed poll never ends the cancellation of a known operation. */
  record?: PollRecord;
  /** The number of the wait within the workflow run. The activity ends its watch. */
  wait?: number;
  /** As in {@link GetInput}. */
  method?: string;
  /** As in {@link GetInput}. */
  service?: string;
  /** As in {@link GetInput}. */
  resourceId?: string;
}

/** The result of a cancellation. `operation` is the state right after the request. */
export interface CancelResult {
  operation: OperationSnapshot;
  /** Why the cloud will never accept the request: it cannot cancel operations, or not this one. */
  refused?: OperationStatus;
}

/** The input of the activity `operation.start`. */
export interface StartInput {
  cloud: string;
  /** `/package.Service/Method`, with or without the leading slash. */
  method: string;
  request: JsonObject;
  /** Generated by the workflow, so that every retry sends the same key. */
  idempotencyKey: string;
  /** Whether the caller expects the response type that the method declares. */
  typed: boolean;
  /**
   * Whether an earlier attempt may have started the operation. An API that cannot mark starts then gets no second one.
   * @default false
   */
  mayHaveStarted?: boolean;
  /** Whether a busy cloud fails the attempt retryably, since the history of the workflow is long. @default false */
  retryBusy?: boolean;
}

/** The result of an attempt to start that the cloud answered. */
export type StartResult =
  | { outcome: 'started'; operation: OperationSnapshot }
  /** Nothing was started: another operation on the resource is in progress. */
  | { outcome: 'conflict'; conflictingOperationId: string; refused: OperationStatus }
  /** Nothing was started: the cloud is busy. `delayMs` is how long it asks to wait, or 0 if it does not say. */
  | { outcome: 'busy'; delayMs: number; refused: OperationStatus };

/** `details[1]` of a failure with which a start is refused. */
export interface StartRefusal {
  /** Whether the request never reached the cloud, so that the refusal says nothing about earlier attempts. */
  neverSent: boolean;
  /** The operation may have started, and a repeated start might start another one. @default false */
  outcomeUnknown?: boolean;
}

/** The failure type when the operation may have been started; `details[0]` is the OperationStatus, if there is one. */
export const OUTCOME_UNKNOWN = 'OperationStartUnknown';

/** The input of the activity `operation.call`. */
export interface CallInput {
  cloud: string;
  /** `/package.Service/Method`, with or without the leading slash. */
  method: string;
  request: JsonObject;
  /** Generated by the workflow, so that every retry of a method that changes something sends the same key. */
  idempotencyKey: string;
}

/** The reply to a call, as canonical JSON. */
export interface CallResult {
  reply: JsonObject;
  /** The values that canonical JSON cannot express: they are null in `reply`. Absent if there are none. */
  problems?: ValueProblem[];
}

/** The type of the retryable failure of a call's attempt; its details are the OperationStatus and a {@link CallDoubt}. */
export const CALL_FAILED = 'OperationCallFailed';

/** What an attempt to call leaves, in its heartbeat details and in its failure. */
export interface CallDoubt {
  /** The number of the attempt: an attempt that was lost leaves nothing. */
  attempt: number;
  /** Whether this attempt or an earlier one may have made the change. */
  outcomeUnknown: boolean;
}

/** Whether an attempt said that neither it nor an earlier one can have taken effect unseen. */
export function isOutcomeKnown(doubt: unknown): boolean {
  return fieldsOf(doubt).outcomeUnknown === false;
}

/** The activities by wire name. */
export type OperationActivities = {
  [GET_ACTIVITY](input: GetInput): Promise<GetResult>;
  [CANCEL_ACTIVITY](input: CancelInput): Promise<CancelResult>;
  [START_ACTIVITY](input: StartInput): Promise<StartResult>;
  [CALL_ACTIVITY](input: CallInput): Promise<CallResult>;
  [UNTIL_ACTIVITY](input: UntilInput): Promise<UntilResult>;
};

/** The type of a retryable failure of a start with `retryBusy`; its details are the OperationStatus and a {@link StartDoubt}. */
export const START_BUSY = 'OperationStartBusy';

/** What earlier attempts of the same activity leave, in its heartbeat details and in its failures. */
export interface StartDoubt {
  /** An attempt may have started the operation. */
  outcomeUnknown: boolean;
}

/** The heartbeat timeout of `operation.start` and `operation.cancel`: detects a lost worker. */
export const CALL_HEARTBEAT_TIMEOUT = '5 s';
