import { ApplicationFailure, CancelledFailure, type Duration } from '@temporalio/common';
import {
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  setHandler,
  sleep,
  startChild,
  type ChildWorkflowCancellationType,
} from '@temporalio/workflow';
import {
  operationFailure,
  operations,
  operationScope,
  operationWorkflowId,
  type AnyJson,
  type CancelOutcome,
  type WaitOptions,
} from 'temporal-lro/workflow';
import { awaitOperation } from 'temporal-lro/workflow-definitions';
import { ClusterService } from '../../src/testing/resources';

export * from 'temporal-lro/workflow-definitions';
export * from './documented';

const CLOUD = 'yandex';

/** Sent after the operation has been polled: now cancel, or close. */
export const go = defineSignal('go');

function gone(): Promise<void> {
  let isGone = false;
  setHandler(go, () => void (isGone = true));
  return condition(() => isGone);
}

/** What a caller got, in the words of docs/cancelling.md, and the operation in that result. */
export interface Told {
  gets: string;
  message?: string;
  operation?: unknown;
}

export async function told(result: Promise<unknown>): Promise<Told> {
  try {
    await result;
    return { gets: 'the response' };
  } catch (err) {
    return toldOf(err);
  }
}

export function toldOf(err: unknown): Told {
  const failure = operationFailure(err);
  if (failure) return { gets: `\`${failure.type}\``, message: failure.message, operation: failure.operation };
  if (!isCancellation(err)) return { gets: String(err) };
  const { message, details }: { message?: string; details?: unknown[] } = err instanceof CancelledFailure ? err : {};
  return { gets: '`CancelledFailure`', message: message ?? '', operation: operationIn(details?.[0]) };
}

function operationIn(details: unknown): unknown {
  return typeof details === 'object' && details !== null && 'operation' in details ? details.operation : undefined;
}

export function wait(operationId: string, options: WaitOptions = {}): Promise<AnyJson> {
  return operations(CLOUD).wait(operationId, options);
}

/** Cancels a scope instead of the workflow. */
export async function cancelScope(operationId: string, options: WaitOptions): Promise<Told> {
  const scope = new CancellationScope();
  const result = told(scope.run(() => wait(operationId, options)));
  await gone();
  scope.cancel();
  return result;
}

/** One branch fails while the other waits. */
export async function leaveOpen(operationId: string, options: WaitOptions): Promise<Told> {
  let left: Promise<Told> | undefined;
  const failed = operationScope(async () => {
    left = told(wait(operationId, options));
    await gone();
    throw ApplicationFailure.nonRetryable('The other branch failed');
  });
  const reason = await failed.catch((err: unknown) => (err instanceof Error ? err.message : ''));
  if (reason !== 'The other branch failed' || !left) throw ApplicationFailure.nonRetryable(`Rethrew ${reason}`);
  return left;
}

/** Whether {@link cancelBriefly} has given its cancellation up. */
export const hasGivenUp = defineQuery<boolean>('hasGivenUp');

/** Cancels by a handle with a timeout of 2 s, while a wait with a timeout of 40 s is being cancelled. */
export async function cancelBriefly(operationId: string): Promise<Told> {
  const scope = new CancellationScope();
  let isOver = false;
  setHandler(hasGivenUp, () => isOver);
  const waited = told(scope.run(() => wait(operationId, { cancelTimeout: '40 s' })));
  await gone();
  scope.cancel();
  // The wait asks first.
  await sleep(100);
  await operations(CLOUD).getHandle(operationId).cancel({ cancelTimeout: '2 s' });
  isOver = true;
  return waited;
}

export async function parent(
  operationId: string,
  options: WaitOptions,
  cancellationType?: ChildWorkflowCancellationType,
): Promise<Told> {
  return told(
    executeChild(awaitOperation, {
      workflowId: operationWorkflowId(CLOUD, operationId),
      args: [{ cloud: CLOUD, operationId, ...options }],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      ...(cancellationType && { cancellationType }),
    }),
  );
}

/** Closes while its child waits. */
export async function closeBeforeChild(operationId: string, parentClosePolicy: ParentClosePolicy): Promise<void> {
  await startChild(awaitOperation, {
    workflowId: operationWorkflowId(CLOUD, operationId),
    args: [{ cloud: CLOUD, operationId }],
    parentClosePolicy,
  });
  await gone();
}

/** Cancels by a handle, and waits at the same time. */
export async function cancelByHandle(
  operationId: string,
  { cancelTimeout = '5 min', ...options }: WaitOptions,
): Promise<{ outcome: CancelOutcome; beside: Told }> {
  const handle = operations(CLOUD, options).getHandle(operationId);
  const beside = told(handle.result());
  await gone();
  const outcome = await handle.cancel({ cancelTimeout });
  return { outcome, beside: await Promise.race([beside, sleep('1 s').then(() => ({ gets: 'its wait goes on' }))]) };
}

/** Stays open until each of its waits has ended, although it is cancelled. */
export function waitForMany(waits: { operationId: string; options: WaitOptions }[]): Promise<Told[]> {
  return Promise.all(waits.map(({ operationId, options }) => told(wait(operationId, options))));
}

/** Cancels in three ways while the first cancellation is in progress. */
export async function cancelThrice(operationId: string): Promise<{ outcomes: string[]; waited: Told }> {
  const scope = new CancellationScope();
  const waited = told(scope.run(() => wait(operationId)));
  await gone();
  scope.cancel();
  const handle = operations(CLOUD).getHandle(operationId);
  const outcomes = await Promise.all([handle.cancel(), handle.cancel()]);
  return { outcomes: outcomes.map(({ outcome }) => outcome), waited: await waited };
}

/** Two waits for one operation, one of which is cancelled. */
export async function waitTwice(operationId: string, options: WaitOptions): Promise<Told[]> {
  const scope = new CancellationScope();
  const both = [told(scope.run(() => wait(operationId, options))), told(wait(operationId, options))];
  await gone();
  scope.cancel();
  return Promise.all(both);
}

/** Cleans up in a scope that is already cancelled. */
export async function cancelInCleanUp(operationId: string): Promise<string> {
  try {
    await gone();
    return 'not cancelled';
  } catch {
    return (await operations(CLOUD).getHandle(operationId).cancel()).outcome;
  }
}

/** Stays open for a second after its wait was cancelled. */
export async function stayOpen(operationId: string): Promise<Told> {
  const result = await cancelScope(operationId, {});
  await sleep('1 s');
  return result;
}

export function execute(name: string, options: WaitOptions, startTimeout: Duration = '10 min'): Promise<Told> {
  return told(operations(CLOUD, options).execute(ClusterService.create, { name }, { startTimeout }));
}

/** Starts an operation by the path of its method. */
export function executeMethod(method: string, startTimeout: Duration): Promise<Told> {
  return told(operations(CLOUD).execute(method, { name: 'prod' }, { startTimeout }));
}

/** Waits by a worker of another queue. */
export function waitElsewhere(operationId: string, taskQueue: string, options: WaitOptions = {}): Promise<AnyJson> {
  return operations(CLOUD, { taskQueue, poll: { initialInterval: '5 s' } }).wait(operationId, options);
}

/** Cancels an operation that no wait awaits. */
export async function cancelById(operationId: string, cancelTimeout: Duration): Promise<string> {
  return (await operations(CLOUD).getHandle(operationId).cancel({ cancelTimeout })).outcome;
}

/** Cancels an operation by the handle of its start. */
export async function cancelStarted(name: string): Promise<string> {
  const started = await operations(CLOUD).start(ClusterService.create, { name });
  return (await started.cancel({ cancelTimeout: '30 s' })).outcome;
}

export type Closing = 'returns' | 'throws';
export type Around = 'nothing' | 'a scope' | 'an operationScope';

/** Loses a race to a signal, and closes in the same task in which it cancels the losing wait. */
export async function loseRace(
  operationId: string,
  options: WaitOptions,
  around: Around,
  closing: Closing,
): Promise<string> {
  const race = (): Promise<unknown> => Promise.race([wait(operationId, options), gone()]);
  switch (around) {
    case 'nothing':
      await race();
      CancellationScope.current().cancel();
      break;
    case 'a scope':
      await CancellationScope.cancellable(async () => {
        await race();
        CancellationScope.current().cancel();
      });
      break;
    case 'an operationScope':
      await operationScope(race);
  }
  if (closing === 'throws') throw ApplicationFailure.nonRetryable('closed');
  return 'closed';
}
/** Closes in the same task in which it is cancelled itself. */
export async function closeWhenCancelled(operationId: string, options: WaitOptions, closing: Closing): Promise<string> {
  const result = wait(operationId, options);
  result.catch(() => undefined);
  try {
    await CancellationScope.current().cancelRequested;
  } catch (err) {
    if (closing === 'throws') throw err;
  }
  return 'closed';
}
