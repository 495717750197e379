import { CancellationScope, condition, isCancellation, log } from '@temporalio/workflow';

/** Knows the starts, waits and cancellations that were begun inside it, at any depth. */
class OperationScope extends CancellationScope {
  /** With whether this scope tells how it ended. */
  readonly open = new Map<Promise<unknown>, boolean>();
}

/** Enters a start together with its wait, so that no scope closes between the two. */
export function owned<T>(executed: Promise<T>): Promise<T> {
  ownWait(CancellationScope.current(), executed);
  return executed;
}

/** Enters what is to be awaited, but says nothing of an operation that was left open. */
export function ownedQuietly<T>(called: Promise<T>): Promise<T> {
  ownWait(CancellationScope.current(), called, false);
  return called;
}

/** Enters a wait or a start into the operation scopes around its caller, while it is open. The innermost one tells of it. */
export function ownWait(caller: CancellationScope, wait: Promise<unknown>, isTold = true): void {
  let tells = isTold;
  for (let scope: CancellationScope | undefined = caller; scope; scope = scope.parent) {
    if (!(scope instanceof OperationScope)) continue;
    const { open } = scope;
    open.set(wait, tells);
    tells = false;
    const leave = (): void => void open.delete(wait);
    wait.then(leave, leave);
  }
}

/**
 * Runs `fn`; before it returns or rethrows, every wait begun inside that is still open is cancelled, its operation in the
 * cloud with it, and awaited. So nothing is left behind when a branch of a `Promise.all` fails, a race is lost, or `fn`
 * throws: a workflow that closes at once could not cancel anything any more. A cancelled branch may catch that and undo
 * what it has made by operations of this package: they are awaited as well, where nothing else is awaited in between.
 */
export async function operationScope<T>(fn: () => Promise<T>): Promise<T> {
  const scope = new OperationScope();
  try {
    return await scope.run(fn);
  } finally {
    const ended = settled(scope);
    scope.cancel();
    // A start and its wait tell the same.
    for (const text of new Set((await ended).flatMap(leftOpenText))) log.warn(text);
    await CancellationScope.nonCancellable(() => undone(scope));
  }
}

/** How all ended that is open now, and that this scope tells of. */
async function settled({ open }: OperationScope): Promise<PromiseSettledResult<unknown>[]> {
  const told = [...open.values()];
  return (await Promise.allSettled(open.keys())).filter((_, i) => told[i]);
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
