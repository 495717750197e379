import type { OperationMethod } from '../model/method';
import { ClusterService, NetworkService, NodeGroupService } from './resources';
import type { Script } from './script';

/** The `on` of a FakeCloud. */
type On = <Q, R, M>(method: OperationMethod<Q, R, M>) => { reply(script: (request: Q) => Script<R, M>): unknown };

/**
 * Serves the resource API: every operation succeeds within 2 s. A resource's id is its kind and its name. Nothing is
 * stored, so the response of an update contains only what its request says.
 */
export function serveResources(on: On): void {
  on(NetworkService.create).reply(({ name = '', folderId = '' }) => {
    const id = `network-${name}`;
    return {
      after: 500,
      description: 'Create network',
      metadata: { networkId: id },
      response: { id, name, folderId },
    };
  });
  on(NetworkService.delete).reply(({ networkId = '' }) => ({
    description: 'Delete network',
    metadata: { networkId },
    response: {},
  }));
  on(ClusterService.create).reply(({ name = '', networkId = '', version = '' }) => {
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
      response: { id, name, networkId, status: 'RUNNING', version },
    };
  });
  on(ClusterService.update).reply(({ clusterId = '', name = '', version = '' }) => ({
    after: 1000,
    description: 'Update cluster',
    metadata: { clusterId },
    response: { id: clusterId, name, networkId: '', status: 'RUNNING', version },
  }));
  on(ClusterService.delete).reply(({ clusterId = '' }) => ({
    after: 1000,
    description: 'Delete cluster',
    metadata: { clusterId },
    response: {},
  }));
  on(NodeGroupService.create).reply(({ name = '', clusterId = '', size = '0' }) => {
    const id = `nodegroup-${name}`;
    return {
      after: 1000,
      description: 'Create node group',
      metadata: { nodeGroupId: id },
      response: { id, name, clusterId, size },
    };
  });
  on(NodeGroupService.delete).reply(({ nodeGroupId = '' }) => ({
    after: 500,
    description: 'Delete node group',
    metadata: { nodeGroupId },
    response: {},
  }));
}
