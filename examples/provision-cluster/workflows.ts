import { executeChild, ParentClosePolicy, proxyActivities } from '@temporalio/workflow';
import { operationFailure, operations, operationWorkflowId, type OperationFailure } from 'temporal-lro/workflow';
import { awaitOperation } from 'temporal-lro/workflow-definitions';
import type * as activities from './activities';
import { ClusterService, NetworkService, NodeGroupService, type Cluster, type Network } from './cloud/fakecloud/v1';

export { awaitOperation };

const CLOUD = 'fakecloud';

export interface Provisioned {
  network: Network;
  cluster: Cluster;
  nodeGroups: unknown[];
  /** Why node groups are missing; what was left of them has been deleted. */
  failures: OperationFailure[];
}

const { startOperation } = proxyActivities<typeof activities>({ startToCloseTimeout: '10 s' });

/** Creates a network, in it a cluster, and in that its node groups, all at the same time. */
export async function provisionCluster(name: string, nodeGroups: Record<string, number>): Promise<Provisioned> {
  const cloud = operations(CLOUD);
  const networkOperation = await startOperation(NetworkService.create.path, { folderId: 'folder', name });
  const network = await cloud.wait(networkOperation, { method: NetworkService.create });
  const clusterOperation = await startOperation(ClusterService.create.path, {
    name,
    networkId: network.id,
    version: '1.31',
  });
  const cluster = await cloud.wait(clusterOperation, { method: ClusterService.create });
  const created = await Promise.all(
    Object.entries(nodeGroups).map(([group, size]) => createNodeGroup(cluster.id, group, size)),
  );
  return {
    network,
    cluster,
    nodeGroups: created.flatMap(({ nodeGroup }) => nodeGroup ?? []),
    failures: created.flatMap(({ failure }) => failure ?? []),
  };
}

/** A workflow of its own waits for each node group. One that fails leaves nothing behind. */
async function createNodeGroup(
  clusterId: string,
  name: string,
  size: number,
): Promise<{ nodeGroup?: unknown; failure?: OperationFailure }> {
  const operationId = await startOperation(NodeGroupService.create.path, { clusterId, name, size });
  try {
    const nodeGroup = await executeChild(awaitOperation, {
      workflowId: operationWorkflowId(CLOUD, operationId),
      args: [{ cloud: CLOUD, operationId }],
      staticSummary: `Create node group ${name}`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    });
    return { nodeGroup };
  } catch (err) {
    const failure = operationFailure(err);
    if (!failure) throw err;
    const nodeGroupId = failure.operation?.metadata?.nodeGroupId;
    const deleted = await startOperation(NodeGroupService.delete.path, { nodeGroupId });
    await operations(CLOUD).wait(deleted);
    return { failure };
  }
}
