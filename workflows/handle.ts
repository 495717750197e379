import { CancelledFailure, type Duration } from '@temporalio/common';
import { CancellationScope } from '@temporalio/workflow';
import type { WaitOptions } from '../src/model/options';
import type { AnyJson, JsonObject, OperationSnapshot } from '../src/model/snapshot';
import type { CancelOutcome } from './cancel';
import { isCancelled, isLeft, registerInScope } from './scope';

/** A handle to one operation. */
export interface OperationHandle<R = AnyJson, M = AnyJson> {
  readonly operationId: string;
  /** Polls the operation once and returns its current state. */
  get(): Promise<OperationSnapshot<R, M>>;
  /**
   * Waits until the operation is done and returns its response. Throws an ApplicationFailure if it does not succeed.
   */
  result(options?: WaitOptions): Promise<R>;
  /**
   * Cancels the operation in the cloud and returns the outcome once the operation is done or `cancelTimeout` has
   * expired (default: 5 min). Also works in a cancelled scope. Waits for the operation in this workflow see the same
   * end.
   */
  cancel(options?: { cancelTimeout?: Duration }): Promise<CancelOutcome<R, M>>;
}

/** A handle to an operation that this workflow started. */
export interface StartedOperation<R = AnyJson, M = AnyJson> extends OperationHandle<R, M> {
  /** The operation in the reply to the start. Its metadata typically names the resource being created. */
  readonly operation: OperationSnapshot<R, M>;
  /**
   * Waits until the operation is done and returns its response. May be called many times and from several places: all
   * calls share one wait, which the first call begins with its options. The wait belongs to the scope of `start()`, or
   * to the scope of the first call if an `operationScope` around `start()` has ended. Cancelling any other scope that
   * awaits the result ends only that await.
   */
  result(options?: WaitOptions): Promise<R>;
}

/**
 * Returns a function that wraps `begin` so that all calls share the promise of the first one. The shared work belongs
 * to the scope in which shareFirstCall was called, or to the scope of the first call if an operation scope around it
 * has ended. Call shareFirstCall before the first await, after which the current scope may be a different one.
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
      // A shielded caller ends only with the owner: an operationScope around the caller cannot cancel it.
      if (caller === home || !caller.cancellable) return result;
      return registerInScope((own) => awaited(shared, own));
    };
  };
}

/** The shared promise, the scope that owns it, and the scope whose cancellation cancels it. */
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
  // Running a scope that has a timeout again would start a second timeout.
  const result = CancellationScope.current() === home ? call() : home.run(call);
  result.catch(() => undefined);
  return { home, own, result };
}

/** The result as awaited in another scope, whose cancellation ends only that await. */
function awaited<T>(shared: Shared<T>, caller: CancellationScope): Promise<T> {
  const left = caller.cancelRequested.catch(() => {
    // Cancelling the owner also cancels the scopes inside it: they get the result of the wait.
    if (isCancelled(shared.own)) return shared.result;
    throw new CancelledFailure('Cancelled; the wait goes on, since it belongs to another scope');
  });
  left.catch(() => undefined);
  return Promise.race([shared.result, left]);
}

/**
 * These give a value the types of the caller's method. The worker has checked a response against that method, but
 * the compiler cannot know the type of a value that crosses Temporal.
 */
export function typedResponse<R>(response: AnyJson): R {
  return response as R;
}

export function typedReply<R>(reply: JsonObject | undefined): R {
  return reply as R;
}

export function typedSnapshot<R, M>(operation: OperationSnapshot): OperationSnapshot<R, M> {
  return operation as OperationSnapshot<R, M>;
}

export function typedOutcome<R, M>(outcome: CancelOutcome): CancelOutcome<R, M> {
  return outcome as CancelOutcome<R, M>;
}
