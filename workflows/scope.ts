import { CancellationScope, condition, isCancellation, log } from '@temporalio/workflow';

/** Knows the starts and waits that were begun inside it, at any depth. */
class OperationScope extends CancellationScope {
  readonly waits = new Set<Promise<unknown>>();
}

/** Enters a start together with its wait, so that no scope closes between the two. */
export function owned<T>(executed: Promise<T>): Promise<T> {
  ownWait(CancellationScope.current(), executed);
  return executed;
}

/** Enters a wait or a start into the innermost operation scope around its caller, while it is open. */
export function ownWait(caller: CancellationScope, wait: Promise<unknown>): void {
  for (let scope: CancellationScope | undefined = caller; scope; scope = scope.parent) {
    if (!(scope instanceof OperationScope)) continue;
    const { waits } = scope;
    waits.add(wait);
    const leave = (): void => void waits.delete(wait);
    wait.then(leave, leave);
    return;
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
    const open = [...scope.waits];
    scope.cancel();
    const texts = (await Promise.allSettled(open)).flatMap(leftOpenText);
    // A start and its wait tell the same.
    for (const text of new Set(texts)) log.warn(text);
    if (open.length > 0) await CancellationScope.nonCancellable(() => settled(scope.waits));
  }
}

/** A branch that was cancelled may undo what it has made: what it begins for that is awaited too. */
async function settled(waits: ReadonlySet<Promise<unknown>>): Promise<void> {
  await runToRest();
  while (waits.size > 0) {
    await Promise.allSettled(waits);
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
