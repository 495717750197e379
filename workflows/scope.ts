import { CancellationScope, isCancellation, log } from '@temporalio/workflow';

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
 * throws: a workflow that closes at once could not cancel anything any more.
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
  }
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
