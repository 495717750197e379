import type { WaitOptions } from '../src/model/options';
import type { AnyJson, OperationSnapshot } from '../src/model/snapshot';

/** One operation, by its id. */
export interface OperationHandle<R = AnyJson, M = AnyJson> {
  readonly operationId: string;
  /** The operation as it is now: one poll. */
  get(): Promise<OperationSnapshot<R, M>>;
  /** Waits until it is done and returns its response. Throws an ApplicationFailure otherwise. */
  result(options?: WaitOptions): Promise<R>;
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
