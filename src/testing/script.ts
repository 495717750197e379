import type { Duration } from '@temporalio/common';
import type { OperationMethod } from '../model/method';
import type { AnyJson, JsonObject, OperationStatus } from '../model/snapshot';

/** A google.rpc.Status. `codeName` is optional: it follows from `code`. */
export type ScriptedError = Partial<OperationStatus> & { code: number };

/**
 * What a FakeCloud does when a method is called: runs an operation that ends with a `response` or an `error`, or
 * refuses the start. Leave `'@type'` out of the JSON if the method's descriptor names the types of its operation.
 */
export type Script<R = AnyJson, M = AnyJson> = OperationScript<R, M> | { refuse: ScriptedError };

/** The course of an operation from start to end. */
export type OperationScript<R = AnyJson, M = AnyJson> = {
  /** How long the operation takes. @default 0, done when it is started */
  after?: Duration;
  description?: string;
  /** The metadata from the start on. */
  metadata?: Played<M>;
  /** Changes of the metadata. `at` counts from the start and is at most `after`. */
  stages?: { at: Duration; metadata: Played<M> }[];
  /** How long a failing operation rolls back: it shows its error for this time before it is done. @default 0 */
  rollback?: Duration;
  /** The poll interval that Get asks for in the header `x-operation-poll-interval`, in seconds. @default no header */
  pollInterval?: number;
  /**
   * Changes of the created resource after the operation has succeeded, as Get and List return it. `after` counts from
   * the end of the operation.
   */
  afterwards?: { after: Duration; response: Played<R> }[];
  /** The reply to the start does not have the id, as Nebius replies for an operation that is done at once. */
  withoutId?: true;
  /** @default 'cancels' */
  onCancel?: CancelBehaviour;
  /** Faults to inject into calls. The first one that matches a call and is not used up applies. @default none */
  faults?: Fault[];
} & ({ response: Played<R> } | { error: ScriptedError });

/** A method that starts an operation. A method that starts none is no such method, although the types are similar. */
export type StartingMethod<Q, R, M> = OperationMethod<Q, R, M> & { readonly '~unary'?: never };

/** What a method replies that starts no operation. The list has stages: each one lasts until `after` of the next one. */
export type UnaryScript<R = JsonObject> = UnaryReply<R> | (UnaryReply<R> & { after?: Duration })[];

export type UnaryReply<R = JsonObject> = { response: Played<R> } | { error: ScriptedError };

/** The JSON of a message: fields that are left out are empty. A message of no known type must name its `'@type'`. */
export type Played<T> = '@type' extends keyof T ? T : Partial<T>;

/**
 * What Cancel does to an operation in progress. If the operation is done or rolling back, Cancel changes nothing.
 * - `'cancels'`: the operation is done with CANCELLED at once
 * - `'completes'`: the operation reaches its scripted end at once
 * - `completesAfter`: the operation reaches its scripted end after this time, unless it ends earlier
 * - `'ignores'`: nothing; the operation continues to its scripted end
 * - `cancelsAfter`: the operation is done with CANCELLED after this time, unless it ends earlier; it rolls back, and
 *   shows CANCELLED, during the last `rollback` of this time (default: 0)
 * - `refuses`: the call fails with this error, such as UNIMPLEMENTED (12), and the operation continues
 * - `overwrittenBy`: the operation is done with CANCELLED at once; `after` this time, the error is replaced by this one,
 *   which a real cloud has been seen to do
 */
export type CancelBehaviour =
  | 'cancels'
  | 'completes'
  | 'ignores'
  | { completesAfter: Duration }
  | { cancelsAfter: Duration; rollback?: Duration }
  | { refuses: ScriptedError }
  | { overwrittenBy: ScriptedError; after: Duration };

/** Applies an effect to the first `calls` calls for an operation: Get, Cancel, or both together if `on` is left out. */
export type Fault = { on?: 'Get' | 'Cancel'; calls: number } & FaultEffect;

/** The effect of a fault. With `code`, the call does nothing and fails. The others apply after the call took effect. */
export type FaultEffect =
  /** The call fails, with `grpc-status-details-bin`. `retryAfter` is sent as google.rpc.RetryInfo. */
  | { code: number; message?: string; details?: AnyJson[]; retryAfter?: Duration }
  /** The reply consists of these bytes, given in base64. */
  | { body: string }
  /** The reply is delayed by this much real time. It shows the operation as it was when the call arrived. */
  | { hang: Duration }
  /** The call fails with UNAVAILABLE, as if the connection broke before the reply. */
  | { lostReply: true };
