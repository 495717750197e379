import type { Duration } from '@temporalio/common';
import type { WaitOptions } from '../src/model/options';
import type { AnyJson, OperationSnapshot } from '../src/model/snapshot';
import type { CancelOutcome } from './cancel';

/** One operation, by its id. */
export interface OperationHandle<R = AnyJson, M = AnyJson> {
  readonly operationId: string;
  /** The operation as it is now: one poll. */
  get(): Promise<OperationSnapshot<R, M>>;
  /** Waits until it is done and returns its response. Throws an ApplicationFailure otherwise. */
  result(options?: WaitOptions): Promise<R>;
  /**
   * Cancels it in the cloud and says what became of it, when it is done or `cancelTimeout` (@default 5 min) is over.
   * Also in a cancelled scope: cancelling is what that is for. A wait for it in this workflow learns its end as well.
   */
  cancel(options?: { cancelTimeout?: Duration }): Promise<CancelOutcome<R, M>>;
}

/**
 * The response and the snapshot with the types that the caller's method promises. The worker checks a response against
 * that method; as with every value that crosses Temporal, the compiler has to be told.
 */
export function typedResponse<R>(response: AnyJson): R {
  return response as R;
}

export function typedSnapshot<R, M>(operation: OperationSnapshot): OperationSnapshot<R, M> {
  return operation as OperationSnapshot<R, M>;
}

export function typedOutcome<R, M>(outcome: CancelOutcome): CancelOutcome<R, M> {
  return outcome as CancelOutcome<R, M>;
}
