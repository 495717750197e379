import { ClusterService, NetworkService, NodeGroupService, type Cluster } from './resources';
import type { Script, StartingMethod } from './script';

/** A FakeCloud. */
interface Cloud {
  on<Q, R, M>(
    method: StartingMethod<Q, R, M>,
  ): {
    reply(script: (request: Q, resource: R | undefined) => Script<R, M>): unknown;
  };
}

/**
 * Serves the resource API: every operation succeeds within 2 s, and 3 s after that a cluster is alive and has an
 * endpoint. A resource's id is its kind and its name.
 */
export function serveResources(cloud: Cloud): void {
  cloud.on(NetworkService.create).reply(({ name = '', folderId = '' }) => {
    const id = `network-${name}`;
    return {
      after: 500,
      description: 'Create network',
      metadata: { networkId: id },
      response: { id, name, folderId },
    };
  });
  cloud.on(NetworkService.delete).reply(({ networkId = '' }) => ({
    description: 'Delete network',
    metadata: { networkId },
    response: {},
  }));
  cloud.on(ClusterService.create).reply(({ folderId = '', name = '', networkId = '', version = '' }) => {
    const id = `cluster-${name}`;
    const progress = (progressPercentage: number, step: string) => ({ clusterId: id, progressPercentage, step });
    return {
      after: 2000,
      description: 'Create cluster',
      metadata: progress(0, 'allocating machines'),
      stages: [
        { at: 500, metadata: progress(40, 'starting the control plane') },
        { at: 1500, metadata: progress(80, 'joining the network') },
      ],
      ...untilAlive({ id, name, networkId, status: 'RUNNING' as const, version, folderId }),
    };
  });
  cloud.on(ClusterService.update).reply(({ clusterId = '', name, version }, cluster) => ({
    after: 1000,
    description: 'Update cluster',
    metadata: { clusterId },
    ...untilAlive({
      ...cluster,
      id: clusterId,
      status: 'RUNNING' as const,
      ...(name && { name }),
      ...(version && { version }),
    }),
  }));
  cloud.on(ClusterService.delete).reply(({ clusterId = '' }) => ({
    after: 1000,
    description: 'Delete cluster',
    metadata: { clusterId },
    response: {},
  }));
  cloud.on(NodeGroupService.create).reply(({ name = '', clusterId = '', size = '0' }) => {
    const id = `nodegroup-${name}`;
    return {
      after: 1000,
      description: 'Create node group',
      metadata: { nodeGroupId: id },
      response: { id, name, clusterId, size },
    };
  });
  cloud.on(NodeGroupService.delete).reply(({ nodeGroupId = '' }) => ({
    after: 500,
    description: 'Delete node group',
    metadata: { nodeGroupId },
    response: {},
  }));
}

/** The part of a script whose operation leaves a cluster that is alive and has an endpoint after 3 s. */
function untilAlive<T extends Partial<Cluster>>(cluster: T) {
  const alive = { health: 'ALIVE', endpoint: `https://${cluster.id}.fakecloud.example` } as const;
  return { response: cluster, afterwards: [{ after: 3000, response: { ...cluster, ...alive } }] };
}
