// Workflow types that start operations.
import {
  operations,
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

/** A chain of typed methods. */
export async function createNetworkAndCluster(name: string): Promise<Cluster> {
  const yandex = operations(CLOUD, { poll });
  const network = await yandex.execute(NetworkService.create, { name, folderId: 'b1g' });
  return yandex.execute(ClusterService.create, { name, networkId: network.id, version: '1.31' });
}

/** What is known once the cloud has begun an operation, and at its end, for everybody who waits. */
export async function startAndAwait(name: string): Promise<{ clusterId?: string | undefined; names: string[] }> {
  const started = await operations(CLOUD, { poll }).start(ClusterService.create, { name });
  const together = await Promise.all([started.result(), started.result()]);
  const clusters = [...together, await started.result()];
  return { clusterId: started.operation.metadata?.clusterId, names: clusters.map((cluster) => cluster.name) };
}
