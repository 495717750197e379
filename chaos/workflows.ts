import { executeChild, ParentClosePolicy, sleep } from '@temporalio/workflow';
import { operationFailure, operations, type AnyJson, type JsonObject, type WaitOptions } from 'temporal-lro/workflow';
import { awaitOperation } from 'temporal-lro/workflow-definitions';
import { ClusterService, type Cluster } from '../src/testing/resources';

export { awaitOperation, executeOperation } from 'temporal-lro/workflow-definitions';

/** The name under which the workers know the cloud. */
export const CLOUD = 'chaos';

/** Waits inside a user's workflow. */
export function waitInline(operationId: string, options: WaitOptions): Promise<AnyJson> {
  return operations(CLOUD).wait(operationId, options);
}

/** Has a child wait. */
export function waitInChild(
  input: { cloud: string; operationId: string } & WaitOptions,
  workflowId: string,
): Promise<AnyJson> {
  return executeChild(awaitOperation, {
    workflowId,
    args: [input],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
  });
}

export function execute(request: { name: string }, options: WaitOptions): Promise<Cluster> {
  return operations(CLOUD).execute(ClusterService.create, request, options);
}

/** The result of `handle.cancel()`, and the result of the wait beside it. */
export interface Cancelled extends JsonObject {
  outcome: string;
  result: string;
}

/** Starts an operation, waits for it, and cancels it during the wait. */
export async function startAndCancel(
  request: { name: string },
  options: WaitOptions,
  cancelAfterMs: number,
): Promise<Cancelled> {
  const started = await operations(CLOUD).start(ClusterService.create, request);
  const result = started.result(options).then(
    (cluster) => cluster.id,
    (err: unknown) => operationFailure(err)?.type ?? String(err),
  );
  await sleep(Math.max(1, cancelAfterMs));
  const { cancelTimeout = '5 min' } = options;
  const { outcome } = await started.cancel({ cancelTimeout });
  return { outcome, result: await result };
}

/** Does nothing: its duration measures the machine. */
export function control(): Promise<void> {
  return Promise.resolve();
}
