// The workflows of docs/starting.md.
import { CancellationScope, log } from '@temporalio/workflow';
import { operations, operationScope } from 'temporal-lro/workflow';
import {
  ClusterService,
  NetworkService,
  NodeGroupService,
  type Cluster,
  type NodeGroup,
} from '../provision-cluster/cloud/fakecloud/v1';

const cloud = operations('yandex', { timeout: '1 h', onTimeout: 'cancel' });

/** Each step uses what the one before has made. */
export async function createCluster(name: string): Promise<Cluster> {
  const network = await cloud.execute(NetworkService.create, { folderId: 'folder', name });
  return cloud.execute(ClusterService.create, { name, networkId: network.id, version: '1.31' });
}

/** All at once. Where one fails, the others are cancelled in the cloud before the workflow goes on. */
export function createNodeGroups(clusterId: string, names: string[]): Promise<NodeGroup[]> {
  return operationScope(() =>
    Promise.all(names.map((name) => cloud.execute(NodeGroupService.create, { clusterId, name, size: '3' }))),
  );
}

/** Leaves nothing behind where it fails or is cancelled. */
export async function createOrNothing(name: string): Promise<Cluster> {
  const undo: (() => Promise<unknown>)[] = [];
  try {
    const network = await cloud.start(NetworkService.create, { folderId: 'folder', name });
    const networkId = network.operation.metadata?.networkId;
    undo.unshift(() => cloud.execute(NetworkService.delete, { networkId }));
    await network.result();
    const cluster = await cloud.start(ClusterService.create, { name, networkId, version: '1.31' });
    const clusterId = cluster.operation.metadata?.clusterId;
    undo.unshift(() => cloud.execute(ClusterService.delete, { clusterId }));
    return await cluster.result();
  } catch (err) {
    await CancellationScope.nonCancellable(async () => {
      for (const step of undo) await step().catch((failed: unknown) => log.warn('Not undone', { error: failed }));
    });
    throw err;
  }
}

/** Takes over an operation that was started elsewhere. */
export async function adopt(operationId: string): Promise<Cluster> {
  const creation = cloud.getHandle(operationId, ClusterService.create);
  const { state, metadata } = await creation.get();
  if (state === 'rollingBack') throw new Error(`${metadata?.clusterId} is being removed`);
  return creation.result();
}

/** However often it is called with that key, there is one cluster. */
export function createOnce(name: string, idempotencyKey: string): Promise<Cluster> {
  return cloud.execute(ClusterService.create, { name }, { idempotencyKey });
}
