import { condition, continueAsNew, sleep } from '@temporalio/workflow';
import { operations, type AnyJson } from 'temporal-lro/workflow';
import { NetworkService } from '../../src/testing/resources';

export * from 'temporal-lro/workflow-definitions';

/** Starts an operation and never looks at it again. */
export async function startOnly(cloud: string, name: string): Promise<void> {
  await operations(cloud).start(NetworkService.create, { name });
}

/** Starts an operation and awaits it. */
export function startAndWait(cloud: string, name: string): Promise<AnyJson> {
  return operations(cloud).execute(NetworkService.create.path, { name });
}

/** Awaits an operation that somebody else started. */
export function waitFor(cloud: string, operationId: string): Promise<AnyJson> {
  return operations(cloud).wait(operationId);
}

/** Polls an operation once. */
export async function lookOnce(cloud: string, operationId: string): Promise<void> {
  await operations(cloud).getHandle(operationId).get();
}

/** Starts an operation, and drops its handle when it continues as new. */
export async function startAndForget(cloud: string, name?: string): Promise<void> {
  if (name === undefined) return condition(() => false);
  await operations(cloud).start(NetworkService.create, { name });
  await sleep(1);
  await continueAsNew<typeof startAndForget>(cloud);
}
