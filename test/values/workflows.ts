import { operations, type AnyJson, type OperationMethod } from 'temporal-lro/workflow';

export { awaitOperation } from 'temporal-lro/workflow-definitions';

type Thing = AnyJson & { id: string; createdAt: string | null };
const create: OperationMethod<{ name: string }, Thing, Thing> = { path: '/values.v1.ThingService/Create' };

export function execute(name: string): Promise<Thing> {
  return operations('yandex').execute(create, { name });
}

/** Returns the metadata of the started operation, which a compensation would need, and the response. */
export async function start(name: string): Promise<{ networkId: unknown; problems: unknown; response: Thing }> {
  const started = await operations('yandex').start(create, { name });
  const { metadata, problems } = started.operation;
  return { networkId: metadata?.networkId, problems, response: await started.result() };
}

export function wait(operationId: string): Promise<Thing> {
  return operations('yandex').wait(operationId, { method: create });
}
