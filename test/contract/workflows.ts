import { operations, type AnyJson, type OperationSnapshot, type WaitOptions } from 'temporal-lro/workflow';

const poll = { initialInterval: '100 ms' } as const;

/** What a workflow sees of an operation: its first look, its last look, and the response. */
export interface Observed {
  first: OperationSnapshot;
  response: AnyJson;
  last: OperationSnapshot;
}

/**
 * Looks at an operation, awaits it and looks again. `path` is the method that started it and declares the response
 * type.
 */
export async function observe(cloud: string, operationId: string, path: string): Promise<Observed> {
  const handle = operations(cloud, { poll }).getHandle(operationId, { path });
  const first = await handle.get();
  const response = await handle.result();
  return { first, response, last: await handle.get() };
}

/** Awaits an operation that was never polled before. */
export function wait(cloud: string, operationId: string, options: WaitOptions = {}): Promise<AnyJson> {
  return operations(cloud, { poll }).wait(operationId, options);
}
