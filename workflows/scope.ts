import { CancellationScope, condition, isCancellation, log } from '@temporalio/workflow';
import { messageOf } from '../src/model/thrown';

/** Tracks this package's open calls made inside the scope, at any depth. */
class OperationScope extends CancellationScope {
  readonly open = new Map<Promise<unknown>, OpenCall>();
  /** True once `fn` has ended: later calls inside the scope are cancelled at once. */
  isLeft = false;
}

interface OpenCall {
  /** Undefined for a call that a non-cancellable scope shields from the operation scope. */
  own: CancellationScope | undefined;
  /** Whether the operation scope logs how the call ended. */
  isTold: boolean;
}

/** The scope of one call. Reports a cancellation of an outer scope at once, before it has propagated here. */
class CallScope extends CancellationScope {
  override get consideredCancelled(): boolean {
    return super.consideredCancelled || isCancelled(this.parent);
  }
}

/** Whether the scope is cancelled, or an outer scope from which it is not shielded. */
export function isCancelled(scope: CancellationScope | undefined): boolean {
  return scope !== undefined && (scope.consideredCancelled || (scope.cancellable && isCancelled(scope.parent)));
}

/** Whether an operation scope around this scope has ended: this scope can then own no new call. */
export function isLeft(scope: CancellationScope): boolean {
  return operationScopesAround(scope).some(({ around }) => around.isLeft);
}

/** The operation scopes around `caller`, innermost first. */
function operationScopesAround(caller: CancellationScope): { around: OperationScope; isShielded: boolean }[] {
  const found: { around: OperationScope; isShielded: boolean }[] = [];
  let isShielded = false;
  for (let scope: CancellationScope | undefined = caller; scope; scope = scope.parent) {
    if (scope instanceof OperationScope) found.push({ around: scope, isShielded });
    isShielded ||= !scope.cancellable;
  }
  return found;
}

/**
 * Runs `call` in the current scope. Inside operation scopes, `call` runs in a scope of its own, so that they can cancel
 * it alone, and they track it while it is open. `call` receives the scope that it runs in. If `isTold`, the innermost
 * operation scope logs how an operation ended that was left open.
 */
export function registerInScope<T>(call: (own: CancellationScope) => Promise<T>, isTold = true): Promise<T> {
  const caller = CancellationScope.current();
  const scopes = operationScopesAround(caller);
  if (scopes.length === 0) return call(caller);
  const own = new CallScope();
  if (scopes.some(({ around, isShielded }) => around.isLeft && !isShielded)) own.cancel();
  const result = own.run(() => call(own));
  for (const [n, { around, isShielded }] of scopes.entries()) {
    around.open.set(result, { own: isShielded ? undefined : own, isTold: isTold && n === 0 });
    const leave = (): void => void around.open.delete(result);
    result.then(leave, leave);
  }
  return result;
}

/** As {@link registerInScope}, but nothing is logged about an operation that was left open. */
export function registerQuietlyInScope<T>(call: () => Promise<T>): Promise<T> {
  return registerInScope(call, false);
}

/**
 * Runs `fn`. Before it returns or rethrows, it cancels every wait begun inside that is still open, together with its
 * operation in the cloud, and awaits them. So nothing is left running when a branch of a `Promise.all` fails, a race is
 * lost, or `fn` throws; a workflow that closed at once could no longer cancel anything. A cancelled branch may catch
 * the cancellation and roll back with operations of this package: the scope awaits these too, as long as the branch
 * awaits nothing else in between. Child workflows, timers, activities and operations without a wait are left alone.
 */
export async function operationScope<T>(fn: () => Promise<T>): Promise<T> {
  const scope = new OperationScope();
  try {
    return await scope.run(fn);
  } finally {
    scope.isLeft = true;
    const ended = settled(scope);
    for (const { own } of scope.open.values()) own?.cancel();
    for (const text of new Set((await ended).flatMap(leftOpenText))) log.warn(text);
    await CancellationScope.nonCancellable(() => undone(scope));
  }
}

/** Awaits all calls that are open now, and returns the results of those with `isTold`. */
async function settled({ open }: OperationScope): Promise<PromiseSettledResult<unknown>[]> {
  const told = [...open.values()];
  return (await Promise.allSettled(open.keys())).filter((_, i) => told[i]?.isTold);
}

/** Awaits the operations with which cancelled branches roll back. */
async function undone(scope: OperationScope): Promise<void> {
  await runToRest();
  while (scope.open.size > 0) {
    for (const text of new Set((await settled(scope)).flatMap(notUndoneText))) log.warn(text);
    await runToRest();
  }
}

/** Resolves when no promise in the workflow can make progress: only then does Temporal check conditions again. */
async function runToRest(): Promise<void> {
  let looks = 0;
  await condition(() => looks++ > 0);
}

/** Logged because no code may be left to read the wait's result, and an operation or its resource may cost money. */
function leftOpenText(end: PromiseSettledResult<unknown>): string[] {
  if (end.status === 'fulfilled') {
    return ['An operationScope cancelled a wait that was still open, but its operation had already succeeded'];
  }
  if (isCancellation(end.reason)) return [];
  const reason = messageOf(end.reason);
  return [`An operationScope cancelled a wait that was still open, but its operation was not cancelled: ${reason}`];
}

function notUndoneText(end: PromiseSettledResult<unknown>): string[] {
  if (end.status === 'fulfilled' || isCancellation(end.reason)) return [];
  return [`A cancelled branch of an operationScope began a call that failed: ${messageOf(end.reason)}`];
}
