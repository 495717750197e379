import { executeChild } from '@temporalio/workflow';
import { operations, type AnyJson, type WaitOptions } from 'temporal-lro/workflow';
import { awaitOperation } from 'temporal-lro/workflow-definitions';

export { awaitOperation };

/** A workflow of somebody who waits inline. */
export function inline(input: { cloud: string; operationId: string } & WaitOptions): Promise<AnyJson> {
  const { cloud, operationId, ...options } = input;
  return operations(cloud).wait(operationId, options);
}

/** A workflow that has a child wait. */
export function parent(input: { cloud: string; operationId: string } & WaitOptions): Promise<AnyJson> {
  return executeChild(awaitOperation, { args: [input] });
}
