// The workflow types of the committed histories: the package's own, and callers of its workflow functions.
import { CancellationScope, executeChild, isCancellation, ParentClosePolicy, sleep } from '@temporalio/workflow';
import {
  operationFailure,
  operations,
  operationScope,
  operationWorkflowId,
  type AnyJson,
  type JsonObject,
  type WaitOptions,
} from 'temporal-lro/workflow';
import { awaitOperation } from 'temporal-lro/workflow-definitions';
import { ClusterService } from '../../src/testing/resources';

export * from 'temporal-lro/workflow-definitions';

export function wait(cloud: string, operationId: string, options: WaitOptions = {}): Promise<AnyJson> {
  return operations(cloud).wait(operationId, options);
}

/** Continues after its wait was cancelled. */
export async function cancelOwnWait(cloud: string, operationId: string, options: WaitOptions): Promise<string> {
  const scope = new CancellationScope();
  const result = scope.run(() => operations(cloud).wait(operationId, options));
  scope.cancel();
  return result.then(
    () => 'completed',
    (err: unknown) => (isCancellation(err) ? 'cancelled' : String(err)),
  );
}

/** Cancels by a handle the operation that it waits for. */
export async function cancelBesideWait(cloud: string, operationId: string): Promise<string[]> {
  const handle = operations(cloud).getHandle(operationId);
  const waited = handle.result().then(
    () => 'completed',
    (err: unknown) => operationFailure(err)?.type ?? String(err),
  );
  return [(await handle.cancel()).outcome, await waited];
}

/** A wait that loses a race. */
export function loseInScope(cloud: string, operationId: string): Promise<unknown> {
  return operationScope(() => Promise.race([operations(cloud).wait(operationId), sleep('1 s')]));
}

export async function lookAndWait(cloud: string, operationId: string): Promise<string[]> {
  const handle = operations(cloud).getHandle(operationId);
  const { state } = await handle.get();
  await handle.result();
  return [state, (await handle.get()).state];
}

export function awaitInChild(cloud: string, operationId: string, options: WaitOptions = {}): Promise<AnyJson> {
  return executeChild(awaitOperation, {
    workflowId: operationWorkflowId(cloud, operationId),
    args: [{ cloud, operationId, ...options }],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
  });
}

export function execute(path: string, name: string): Promise<AnyJson> {
  return operations('yandex').execute(path, { name });
}

/** Awaits one result twice, after a look at the operation. */
export async function startAndAwait(name: string): Promise<string[]> {
  const started = await operations('yandex').start(ClusterService.create, { name });
  await started.get();
  const clusters = await Promise.all([started.result(), started.result()]);
  return clusters.map((cluster) => cluster.id);
}

export function call(path: string, clusterId: string): Promise<JsonObject> {
  return operations('yandex').call(path, { clusterId });
}

export function until(
  path: string,
  clusterId: string,
  options: { match: JsonObject | 'absent'; fail?: JsonObject } & WaitOptions,
): Promise<JsonObject> {
  // The same call for both kinds of match.
  return operations('yandex').until(path, { clusterId }, options as typeof options & { match: JsonObject });
}

/** Continues after its wait for a reply was cancelled. */
export async function untilCancelled(path: string, clusterId: string): Promise<string> {
  const scope = new CancellationScope();
  const waited = scope.run(() => operations('yandex').until(path, { clusterId }, { match: { status: 'RUNNING' } }));
  await sleep('1 s');
  scope.cancel();
  return waited.then(
    () => 'matched',
    (err: unknown) => (isCancellation(err) ? 'cancelled' : String(err)),
  );
}
