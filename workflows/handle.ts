import { CancelledFailure, type Duration } from '@temporalio/common';
import { CancellationScope } from '@temporalio/workflow';
import type { WaitOptions } from '../src/model/options';
import type { AnyJson, OperationSnapshot } from '../src/model/snapshot';
import type { CancelOutcome } from './cancel';
import { isCancelled, isLeft, registerInScope } from './scope';

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

/** An operation that was started here. */
export interface StartedOperation<R = AnyJson, M = AnyJson> extends OperationHandle<R, M> {
  /** The operation as the cloud answered the start: its metadata typically names what is being made. */
  readonly operation: OperationSnapshot<R, M>;
  /**
   * Waits until it is done and returns its response. May be awaited many times and from several places: the first call
   * begins the one wait, with its options, which belongs to the scope of the `start()`, or to that of the first call once
   * an `operationScope` around the start is over. When another scope that awaits it is cancelled, only that await ends.
   */
  result(options?: WaitOptions): Promise<R>;
}

/**
 * Gives a function that makes others share what their first call begins, which belongs to the scope that this is called
 * in; or, once an operation scope around that has been left, to the scope of the first call. To be called before the first
 * await, since later the scope may not be the current one.
 */
export function shareFirstCall(): <A extends unknown[], T>(
  begin: (...args: A) => Promise<T>,
) => (...args: A) => Promise<T> {
  const owner = CancellationScope.current();
  return <A extends unknown[], T>(begin: (...args: A) => Promise<T>) => {
    let first: Shared<T> | undefined;
    return (...args: A): Promise<T> => {
      const caller = CancellationScope.current();
      const shared = (first ??= share(isLeft(owner) ? caller : owner, () => begin(...args)));
      const { home, result } = shared;
      // Shielded, it ends with its owner alone, whom an operationScope around the caller cannot cancel.
      if (caller === home || !caller.cancellable) return result;
      return registerInScope((own) => awaited(shared, own));
    };
  };
}

/** What is shared, where it belongs, and the scope that it is cancelled with. */
interface Shared<T> {
  home: CancellationScope;
  own: CancellationScope;
  result: Promise<T>;
}

function share<T>(home: CancellationScope, begin: () => Promise<T>): Shared<T> {
  let own = home;
  const call = (): Promise<T> =>
    registerInScope((scope) => {
      own = scope;
      return begin();
    });
  // A scope with a timeout would begin another one.
  const result = CancellationScope.current() === home ? call() : home.run(call);
  result.catch(() => undefined);
  return { home, own, result };
}

/** The result, for who awaits it in another scope: it may be cancelled alone. */
function awaited<T>(shared: Shared<T>, caller: CancellationScope): Promise<T> {
  const left = caller.cancelRequested.catch(() => {
    // The owner's cancellation reaches the scopes within it as well: they learn how it ended.
    if (isCancelled(shared.own)) return shared.result;
    throw new CancelledFailure('Cancelled; the wait goes on, since it belongs to another scope');
  });
  left.catch(() => undefined);
  return Promise.race([shared.result, left]);
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
