import {
  CancellationScope,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import {
  operationFailure,
  operations,
  operationScope,
  type JsonObject,
  type UnaryCallOptions,
  type WaitOptions,
} from 'temporal-lro/workflow';
import { awaitResource } from 'temporal-lro/workflow-definitions';

/** Makes one call. */
export function call(
  method: string,
  request: JsonObject,
  options?: UnaryCallOptions,
  taskQueue?: string,
): Promise<unknown> {
  return operations('disks', taskQueue === undefined ? {} : { taskQueue }).call(method, request, options);
}

/** A call with arguments that TypeScript would refuse. */
export function callWith(...[cloud, method, request, options]: unknown[]): Promise<unknown> {
  return operations(cloud as string).call(method as string, request as JsonObject, options as UnaryCallOptions);
}

/** Calls in a scope that is cancelled after `ms`, and says how the call ended and how long that took. */
export async function callCancelled(method: string, request: JsonObject, ms: number): Promise<[string, number]> {
  const scope = new CancellationScope();
  const called = scope.run(() => operations('disks').call(method, request));
  const end = called.then(
    ({ status }) => String(status),
    (err: unknown) =>
      isCancellation(err) ? `cancelled: ${String(err)}` : (operationFailure(err)?.type ?? String(err)),
  );
  await sleep(ms);
  const cancelledAt = Date.now();
  scope.cancel();
  return [await end, Date.now() - cancelledAt];
}

/** Leaves a call open in an operation scope, and says how it ended. */
export async function callLeftOpen(method: string, request: JsonObject): Promise<string> {
  let end = 'open';
  await operationScope(async () => {
    operations('disks')
      .call(method, request)
      .then(
        () => (end = 'answered'),
        (err: unknown) => (end = isCancellation(err) ? 'cancelled' : String(err)),
      );
    await sleep(500);
  });
  return end;
}

/** Leaves a wait for a reply open in an operation scope, and says how it ended. */
export async function untilLeftOpen(method: string, request: JsonObject): Promise<string> {
  let end = 'open';
  await operationScope(async () => {
    operations('disks')
      .until(method, request, { match: { status: 'READY' } })
      .then(
        () => (end = 'matched'),
        (err: unknown) => (end = isCancellation(err) ? 'cancelled' : String(err)),
      );
    await sleep(500);
  });
  return end;
}

type Until = { match: JsonObject | 'absent'; fail?: JsonObject } & Pick<WaitOptions, 'timeout' | 'poll'>;

/** Waits for a reply inline. */
export async function until(method: string, request: JsonObject, options: Until): Promise<unknown> {
  // The same call for both kinds of match: a test hands over plain JSON.
  return operations('disks').until(method, request, options as Until & { match: JsonObject });
}

/** A wait with arguments that TypeScript would refuse. */
export function untilWith(...[cloud, method, request, options]: unknown[]): Promise<unknown> {
  return operations(cloud as string).until(method as string, request as JsonObject, options as { match: JsonObject });
}

/** Waits for a reply in a child workflow. */
export function untilInChild(method: string, request: JsonObject, options: Until): Promise<unknown> {
  return executeChild(awaitResource, {
    args: [{ cloud: 'disks', method, request, ...options }],
    workflowId: `${workflowInfo().workflowId}/child`,
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
  });
}

export { awaitResource };
