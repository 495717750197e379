import type { Duration } from '@temporalio/common';
import type { AnyJson, OperationStatus } from '../model/snapshot';

/** A google.rpc.Status; the name of its code follows from the code. */
export type ScriptedError = Partial<OperationStatus> & { code: number };

/**
 * What a FakeCloud plays when a method is called: an operation with a `response` or an `error`, or a start that it
 * refuses. `'@type'` may be left out of the JSON where the method's descriptor says which types its operation carries.
 */
export type Script<R = AnyJson, M = AnyJson> = OperationScript<R, M> | { refuse: ScriptedError };

/** An operation from its beginning to its end. */
export type OperationScript<R = AnyJson, M = AnyJson> = {
  /** How long until it is done. @default 0, done when it is started */
  after?: Duration;
  description?: string;
  /** There from the beginning. */
  metadata?: Played<M>;
  /** Metadata that replaces the former at some time after the beginning, not later than `after`. */
  stages?: { at: Duration; metadata: Played<M> }[];
  /** How long before its end a failing operation shows its error while it is not done. @default 0 */
  rollback?: Duration;
  /** Seconds that Get asks its callers to wait, by the header `x-operation-poll-interval`. @default no header */
  pollInterval?: number;
  /** @default 'cancels' */
  onCancel?: CancelBehaviour;
  /** The first one that matches a call and has not been used up spoils it. @default none */
  faults?: Fault[];
} & ({ response: Played<R> } | { error: ScriptedError });

/** Of a method's message fields may be left out: they are empty. Any other has to name its type. */
export type Played<T> = '@type' extends keyof T ? T : Partial<T>;

/**
 * What Cancel does to an operation that is neither done nor rolling back; later than that it changes nothing.
 * - `'cancels'`: done with CANCELLED at once
 * - `'completes'`: done with its scripted end at once
 * - `completesAfter`: done with its scripted end so much later, unless it ends before
 * - `'ignores'`: nothing; it goes on to its scripted end
 * - `cancelsAfter`: done with CANCELLED so much later, unless it ends before; for the last `rollback` of that time (none
 *   by default) it shows CANCELLED while it is not done
 * - `refuses`: the call fails with that error, such as UNIMPLEMENTED (12), and the operation goes on
 * - `overwrittenBy`: done with CANCELLED at once, and so much later with this error instead, as a cloud was seen to do
 */
export type CancelBehaviour =
  | 'cancels'
  | 'completes'
  | 'ignores'
  | { completesAfter: Duration }
  | { cancelsAfter: Duration; rollback?: Duration }
  | { refuses: ScriptedError }
  | { overwrittenBy: ScriptedError; after: Duration };

/** Spoils the first `calls` calls for an operation: of Get, of Cancel, or of both together. */
export type Fault = { on?: 'Get' | 'Cancel'; calls: number } & FaultEffect;

/**
 * How a call is spoilt. With a `code` it fails and nothing was done; the others spoil the reply to a call that has done
 * its work.
 */
export type FaultEffect =
  /** Fails, with `grpc-status-details-bin`; `retryAfter` is sent as google.rpc.RetryInfo. */
  | { code: number; message?: string; details?: AnyJson[]; retryAfter?: Duration }
  /** These bytes, in base64, are the reply. */
  | { body: string }
  /** The reply comes so much later, of real time; it is of when the call came. */
  | { hang: Duration }
  /** Fails with UNAVAILABLE, as a connection does that breaks before the reply. */
  | { lostReply: true };
