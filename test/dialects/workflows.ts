import { operations, type JsonObject } from '../../workflows/operations';

export * from '../../workflows/definitions';

/** Starts an operation and cancels it. */
export async function startThenCancel(cloud: string, method: string, request: JsonObject): Promise<string> {
  const started = await operations(cloud).start(method, request);
  return (await started.cancel({ cancelTimeout: '2 s' })).outcome;
}
