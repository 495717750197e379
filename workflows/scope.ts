import { CancellationScope, condition, isCancellation, log } from '@temporalio/workflow';

/** Knows the calls of this package that were made inside it, at any depth, and are not over. */
class OperationScope extends CancellationScope {
  readonly open = new Map<Promise<unknown>, OpenCall>();
  /** `fn` is over: what is called inside from now on is cancelled at once. */
  isLeft = false;
}

interface OpenCall {
  /** Undefined for a call that is shielded from the operation scope by a non-cancellable one. */
  own: CancellationScope | undefined;
  /** Whether the operation scope says how the call ended. */
  isTold: boolean;
}

/** The scope of one call. It knows at once of a cancellation around it, which takes a moment to get here. */
class CallScope extends CancellationScope {
  override get consideredCancelled(): boolean {
    return super.consideredCancelled || isCancelled(this.parent);
  }
}

/** Whether the scope is cancelled, or one around it is from which it is not shielded. */
export function isCancelled(scope: CancellationScope | undefined): boolean {
  return scope !== undefined && (scope.consideredCancelled || (scope.cancellable && isCancelled(scope.parent)));
}

/** Whether an operation scope around it has been left: there it cannot own anything any more. */
export function isLeft(scope: CancellationScope): boolean {
  return operationScopesAround(scope).some(({ around }) => around.isLeft);
}

/** The innermost one first. */
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
 * Makes a call of this package, which belongs to the scope that this is called in. Within operation scopes it is made in a
 * scope of its own, so that they can cancel it and nothing else, and is entered into them while it is open. `call` gets
 * the scope that it is made in. Where `isTold`, the innermost one tells of an operation that was left open.
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

/** As {@link registerInScope}, but nothing is said of an operation that was left open. */
export function registerQuietlyInScope<T>(call: () => Promise<T>): Promise<T> {
  return registerInScope(call, false);
}

/**
 * Runs `fn`; before it returns or rethrows, every wait begun inside that is still open is cancelled, its operation in the
 * cloud with it, and awaited. So nothing is left behind when a branch of a `Promise.all` fails, a race is lost, or `fn`
 * throws: a workflow that closes at once could not cancel anything any more. A cancelled branch may catch that and undo
 * what it has made by operations of this package: they are awaited as well, where nothing else is awaited in between.
 * Children, timers, activities and operations that nobody waits for are left alone.
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

/** How all ended that is open now, and that this scope tells of. */
async function settled({ open }: OperationScope): Promise<PromiseSettledResult<unknown>[]> {
  const told = [...open.values()];
  return (await Promise.allSettled(open.keys())).filter((_, i) => told[i]?.isTold);
}

/** A branch that was cancelled may undo what it has made: what it begins for that is awaited too. */
async function undone(scope: OperationScope): Promise<void> {
  await runToRest();
  while (scope.open.size > 0) {
    for (const text of new Set((await settled(scope)).flatMap(notUndoneText))) log.warn(text);
    await runToRest();
  }
}

/** Resolves when nothing in the workflow can go on by itself: conditions are looked at again when all else rests. */
async function runToRest(): Promise<void> {
  let looks = 0;
  await condition(() => looks++ > 0);
}

/** Nobody may be left to look at the promise of a wait; that an operation goes on, or is done, may cost money. */
function leftOpenText(end: PromiseSettledResult<unknown>): string[] {
  if (end.status === 'fulfilled') {
    return ['A wait left open in an operationScope was cancelled, but its operation had succeeded'];
  }
  if (isCancellation(end.reason)) return [];
  const message = end.reason instanceof Error ? end.reason.message : String(end.reason);
  return [`A wait left open in an operationScope was cancelled, but its operation is not: ${message}`];
}

function notUndoneText(end: PromiseSettledResult<unknown>): string[] {
  if (end.status === 'fulfilled' || isCancellation(end.reason)) return [];
  const message = end.reason instanceof Error ? end.reason.message : String(end.reason);
  return [`What a branch of an operationScope began when it was cancelled has failed: ${message}`];
}
