// Workflow types that start operations.
import {
  ApplicationFailure,
  CancellationScope,
  continueAsNew,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import {
  operations,
  operationScope,
  type AnyJson,
  type JsonObject,
  type OperationsOptions,
  type StartOptions,
  type WaitOptions,
} from 'temporal-lro/workflow';
import { ClusterService, NetworkService, type Cluster } from '../../src/testing/resources';

export * from 'temporal-lro/workflow-definitions';

const CLOUD = 'yandex';
const poll = { initialInterval: '100 ms' } as const;

/** Executes a method by its path. */
export function execute(
  method: string,
  request: JsonObject,
  options: WaitOptions & StartOptions = {},
  defaults: OperationsOptions = {},
): Promise<AnyJson> {
  return operations(CLOUD, { poll, ...defaults }).execute(method, request, options);
}

/** The failure that {@link execute} reports. */
export function messageOf(...given: Parameters<typeof execute>): Promise<string> {
  return execute(...given).then(
    () => 'done',
    (err: unknown) => (err instanceof Error ? err.message : String(err)),
  );
}

/** Executes with a request that JSON cannot carry. */
export function executeWithoutJson(kind: 'bigint' | 'NaN' | 'cycle'): Promise<AnyJson> {
  const request: JsonObject = { name: 'secret', size: kind === 'bigint' ? 3n : kind === 'NaN' ? NaN : {} };
  if (kind === 'cycle') request.size = request;
  return operations(CLOUD, { poll }).execute('/fakecloud.v1.ClusterService/Create', request);
}

/** Starts that many operations at the same time; returns their IDs. */
export async function startMany(prefix: string, count: number): Promise<string[]> {
  const starts = Array.from({ length: count }, (_, i) =>
    operations(CLOUD).start(ClusterService.create, { name: `${prefix} ${i}` }),
  );
  return (await Promise.all(starts)).map(({ operationId }) => operationId);
}

/** A chain of typed methods. */
export async function createNetworkAndCluster(name: string): Promise<Cluster> {
  const yandex = operations(CLOUD, { poll });
  const network = await yandex.execute(NetworkService.create, { name, folderId: 'b1g' });
  return yandex.execute(ClusterService.create, { name, networkId: network.id, version: '1.31' });
}

/** Returns what is known when the cloud has begun an operation, and what everybody who awaits it gets at its end. */
export async function startAndAwait(name: string): Promise<{ clusterId?: string | undefined; names: string[] }> {
  const started = await operations(CLOUD, { poll }).start(ClusterService.create, { name });
  const together = await Promise.all([started.result(), started.result()]);
  const clusters = [...together, await started.result()];
  return { clusterId: started.operation.metadata?.clusterId, names: clusters.map((cluster) => cluster.name) };
}

/** Two await one result, and one is cancelled. Returns what each of them gets. */
export async function leaveResult(name: string): Promise<string[]> {
  const started = await operations(CLOUD, { poll }).start(ClusterService.create, { name });
  const leaving = new CancellationScope();
  const left = leaving.run(() => started.result()).then(told, told);
  const stayed = started.result().then(told, told);
  await sleep(1);
  leaving.cancel();
  return Promise.all([left, stayed]);
}

/** Cancels the scope of a start, in which another scope awaits the result. Returns what both get. */
export async function cancelOwner(name: string): Promise<string[]> {
  const owner = new CancellationScope();
  return owner.run(async () => {
    const started = await operations(CLOUD, { poll }).start(ClusterService.create, { name });
    const inner = CancellationScope.cancellable(() => started.result()).then(told, told);
    const outer = started.result().then(told, told);
    await CancellationScope.nonCancellable(() => sleep(1));
    owner.cancel();
    return Promise.all([inner, outer]);
  });
}

/** Cancels the scope between the start and the first await of its result. */
export async function cancelBeforeResult(name: string): Promise<string> {
  const owner = new CancellationScope();
  return owner.run(async () => {
    const started = await operations(CLOUD, { poll }).start(ClusterService.create, { name });
    owner.cancel();
    return started.result().then(told, told);
  });
}

/** Starts in a scope that is cancelled in the same task. */
export async function cancelAtOnce(name: string): Promise<string> {
  const scope = new CancellationScope();
  const started = scope.run(() => operations(CLOUD, { poll }).start(ClusterService.create, { name }));
  scope.cancel();
  return started.then(told, told);
}

function told(outcome: unknown): string {
  if (isCancellation(outcome)) return 'cancelled';
  if (outcome instanceof Error) return outcome.message;
  return typeof outcome === 'object' && outcome !== null && 'name' in outcome ? String(outcome.name) : 'done';
}

/** Starts and continues as new, once. Both runs start by the same code. */
export async function startInEachRun(name: string, idempotencyKey?: string): Promise<string> {
  const options = idempotencyKey === undefined ? {} : { idempotencyKey };
  const started = await operations(CLOUD, { poll }).start(ClusterService.create, { name }, options);
  if (workflowInfo().continuedFromExecutionRunId === undefined) {
    return continueAsNew<typeof startInEachRun>(name, idempotencyKey);
  }
  return started.operationId;
}

/** Leaves a scope by an error, that many microtasks after an activity that runs at the same time as a start. */
export function leaveScope(name: string, taskQueue: string, microtasks: number): Promise<unknown> {
  const { beside } = proxyActivities<{ beside(): Promise<void> }>({ startToCloseTimeout: '1 min', taskQueue });
  const fail = async (): Promise<never> => {
    await beside();
    for (let n = 0; n < microtasks; n++) await Promise.resolve();
    throw ApplicationFailure.nonRetryable('left');
  };
  const yandex = operations(CLOUD, { poll, taskQueue });
  return operationScope(() => Promise.all([yandex.execute(ClusterService.create, { name }), fail()]));
}

/** One branch fails while the other waits and then compensates. Returns what was compensated when the scope ended. */
export async function undoInScope(name: string): Promise<string[]> {
  const yandex = operations(CLOUD, { poll });
  const undone: string[] = [];
  const orUndo = async (): Promise<void> => {
    try {
      await yandex.execute(ClusterService.create, { name });
    } catch (err) {
      await CancellationScope.nonCancellable(() => yandex.execute(ClusterService.delete, { clusterId: name }));
      undone.push(name);
      throw err;
    }
  };
  const failing = yandex.execute(NetworkService.create, { name });
  await operationScope(() => Promise.all([failing, orUndo()])).catch(() => undefined);
  return undone;
}

/** Fails once; its retry continues as new and returns its attempt. */
export function continueRetried(isContinued: boolean): Promise<number> {
  const { attempt } = workflowInfo();
  if (isContinued) return Promise.resolve(attempt);
  if (attempt > 1) return continueAsNew<typeof continueRetried>(true);
  return Promise.reject(ApplicationFailure.retryable('Try me again'));
}

/** One branch waits in an operationScope of its own, and the other fails. */
export async function leaveNestedScope(name: string): Promise<void> {
  const yandex = operations(CLOUD, { poll });
  const inner = (): Promise<unknown> =>
    operationScope(() => Promise.all([yandex.execute(ClusterService.create, { name })]));
  await operationScope(() => Promise.all([inner(), yandex.execute(NetworkService.create, { name })]));
}

/** One branch fails while the other sleeps and then tries to begin another operation. Returns how that ends. */
export async function beginWhenLeft(name: string): Promise<string> {
  const yandex = operations(CLOUD, { poll });
  let late = Promise.resolve('not begun');
  const sleepFirst = (): Promise<string> =>
    (late = sleep('3 s').then(() => yandex.execute(ClusterService.create, { name }).then(told, told)));
  const both = operationScope(() => Promise.all([sleepFirst(), yandex.execute(NetworkService.create, { name })]));
  return `${await both.then(told, told)}, ${await late}`;
}

/** Ends after a while, unless it is cancelled. */
export function childWorkflow(): Promise<string> {
  return sleep('2 s').then(() => 'child ended');
}

/**
 * Leaves an operationScope while a child, a timer, an activity and an operation without a wait are still running.
 * Returns how they end.
 */
export async function leaveOthers(name: string, fails: boolean): Promise<string[]> {
  const { beside } = proxyActivities<{ beside(): Promise<string> }>({ startToCloseTimeout: '1 min' });
  const others: Promise<string>[] = [];
  let started: { result(): Promise<Cluster> } | undefined;
  const within = async (): Promise<void> => {
    started = await operations(CLOUD, { poll }).start(ClusterService.create, { name });
    const child = await startChild(childWorkflow, { parentClosePolicy: ParentClosePolicy.ABANDON });
    others.push(
      ...[child.result(), sleep('2 s').then(() => 'timer fired'), beside()].map((other) => other.catch(told)),
    );
    if (fails) throw ApplicationFailure.nonRetryable('scope failed');
  };
  const left = await operationScope(within).then(() => 'scope ended', told);
  return [left, ...(await Promise.all(others)), told(await started?.result())];
}

/**
 * Awaits, after its operationScope has ended, the result of an operation that was started in it; in a cancelled scope
 * if requested.
 */
export async function resultAfterScope(name: string, isCancelled: boolean): Promise<string> {
  const started = await operationScope(() => operations(CLOUD, { poll }).start(ClusterService.create, { name }));
  const scope = new CancellationScope();
  const result = scope.run(() => started.result()).then(told, told);
  await sleep(1);
  if (isCancelled) scope.cancel();
  return result;
}

/**
 * Awaits the result of an outside operation in an operationScope that ends first. Returns what both who await it get.
 */
export async function leaveForeignResult(name: string): Promise<string[]> {
  const started = await operations(CLOUD, { poll }).start(ClusterService.create, { name });
  let left = Promise.resolve('');
  const stayed = started.result().then(told, told);
  await operationScope(async () => {
    left = started.result().then(told, told);
    await sleep(1);
  });
  return Promise.all([left, stayed]);
}

/** Starts an operation in a nested scope, and awaits it outside. Returns what the caller outside gets. */
export async function awaitFromOutside(name: string): Promise<string> {
  const started = await CancellationScope.cancellable(() =>
    CancellationScope.cancellable(() => operations(CLOUD, { poll }).start(ClusterService.create, { name })),
  );
  return started.result().then(told, told);
}

/** One branch fails while the other, which has started an operation, waits for something else. */
export async function cancelInFinally(name: string, other: string): Promise<void> {
  const yandex = operations(CLOUD, { poll });
  const orCancel = async (): Promise<void> => {
    const started = await yandex.start(ClusterService.create, { name });
    try {
      await yandex.wait(other);
    } finally {
      await started.cancel();
    }
  };
  await operationScope(() => Promise.all([orCancel(), yandex.execute(NetworkService.create, { name })]));
}

/** Nobody awaits a wait when the next one fails. */
export async function leaveUnawaited(left: string, failing: string): Promise<void> {
  await operationScope(async () => {
    const wait = operations(CLOUD).wait(left);
    await operations(CLOUD).wait(failing);
    await wait;
  });
}
