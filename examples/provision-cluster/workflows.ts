import { executeChild, ParentClosePolicy, workflowInfo } from '@temporalio/workflow';
import {
  operationFailure,
  operations,
  operationWorkflowId,
  type AnyJson,
  type OperationFailure,
} from 'temporal-lro/workflow';
import { awaitOperation, executeOperation } from 'temporal-lro/workflow-definitions';
import { ClusterService, NetworkService, NodeGroupService, type Cluster, type Network } from './cloud/fakecloud/v1';

export { awaitOperation, executeOperation };

const CLOUD = 'fakecloud';
const cloud = operations(CLOUD);

export interface Provisioned {
  network: Network;
  cluster: Cluster;
  nodeGroups: AnyJson[];
  /** Why node groups are missing; what was left of them has been deleted. */
  failures: OperationFailure[];
}

/**
 * Creates a network, and in it a cluster. When the cluster is healthy, creates node groups of those sizes in it, all at
 * the same time.
 */
export async function provisionCluster(name: string, sizes: Record<string, number>): Promise<Provisioned> {
  const network = await cloud.execute(NetworkService.create, { folderId: 'folder', name });
  const { id: clusterId } = await cloud.execute(ClusterService.create, {
    name,
    networkId: network.id,
    version: '1.31',
  });
  // The operation is done when the cluster is created: it is healthy, and has an endpoint, only some time later.
  const cluster = await cloud.until(
    ClusterService.get,
    { clusterId },
    { match: { health: 'ALIVE' }, fail: { health: 'DEAD' }, timeout: '5 min' },
  );
  const created = await Promise.all(
    Object.entries(sizes).map(([group, size]) => createNodeGroup(clusterId, group, size)),
  );
  return {
    network,
    cluster,
    nodeGroups: created.flatMap((result) => ('nodeGroup' in result ? result.nodeGroup : [])),
    failures: created.flatMap((result) => ('failure' in result ? result.failure : [])),
  };
}

/** A workflow of its own waits for each node group. One that fails leaves nothing behind. */
async function createNodeGroup(
  clusterId: string,
  name: string,
  size: number,
): Promise<{ nodeGroup: AnyJson } | { failure: OperationFailure }> {
  const { operation } = await cloud.start(NodeGroupService.create, { clusterId, name, size: String(size) });
  try {
    const nodeGroup = await executeChild(awaitOperation, {
      workflowId: operationWorkflowId(CLOUD, operation.id),
      args: [{ cloud: CLOUD, operationId: operation.id }],
      staticSummary: `Create node group ${name}`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    });
    return { nodeGroup };
  } catch (err) {
    const failure = operationFailure(err);
    if (failure?.type !== 'OperationFailed') throw err;
    const { codeName, message } = failure.operation.error;
    await executeChild(executeOperation, {
      workflowId: `${workflowInfo().workflowId}/delete-${name}`,
      args: [
        {
          cloud: CLOUD,
          method: NodeGroupService.delete.path,
          request: { nodeGroupId: operation.metadata?.nodeGroupId },
        },
      ],
      // A workflow of its own, since its label says why it is there: a failed child's own label cannot.
      staticSummary: `Delete node group ${name} after ${codeName}: ${message}`.slice(0, 100),
    });
    return { failure };
  }
}
