import type { FakeCloud } from 'temporal-lro/testing';
import { ClusterService, NetworkService, NodeGroupService } from './cloud/fakecloud/v1';

const QUOTA = {
  code: 8,
  message: 'The limit on GPUs is exceeded',
  details: [
    {
      '@type': 'yandex.cloud.quota.QuotaFailure',
      violations: [{ metric: { name: 'compute.gpus.count', limit: '4', usage: 2 }, required: '10' }],
    },
  ],
};

/** Sets operations that are long enough to watch, and a quota for GPUs. Says what is seen when a cluster is read. */
export function scriptCluster(cloud: FakeCloud, say: (text: string) => void): void {
  cloud.on(NetworkService.create).reply(({ name = '', folderId = '' }) => ({
    after: '2 s',
    description: 'Create network',
    metadata: { networkId: `network-${name}` },
    response: { id: `network-${name}`, name, folderId },
  }));
  cloud.on(ClusterService.create).reply(({ name = '', networkId = '', version = '' }) => {
    const clusterId = `cluster-${name}`;
    const cluster = { id: clusterId, name, networkId, status: 'RUNNING' as const, version };
    const endpoint = `https://${clusterId}.fakecloud.example`;
    const progress = (progressPercentage: number, step: string) => ({ clusterId, progressPercentage, step });
    return {
      after: '15 s',
      description: 'Create cluster',
      metadata: progress(0, 'allocating machines'),
      stages: [
        { at: '3 s', metadata: progress(30, 'starting the control plane') },
        { at: '9 s', metadata: progress(80, 'joining the network') },
      ],
      response: cluster,
      afterwards: [{ after: '6 s', response: { ...cluster, health: 'ALIVE', endpoint } }],
    };
  });
  cloud.on(NodeGroupService.create).reply(({ name = '', clusterId = '', size = '' }) => ({
    after: name === 'gpu' ? '2 s' : '4 s',
    description: 'Create node group',
    metadata: { nodeGroupId: `nodegroup-${name}` },
    ...(name === 'gpu' ? { error: QUOTA } : { response: { id: `nodegroup-${name}`, name, clusterId, size } }),
  }));
  cloud.on(NodeGroupService.delete).reply(({ nodeGroupId = '' }) => ({
    after: '1 s',
    description: 'Delete node group',
    metadata: { nodeGroupId },
    response: {},
  }));
  cloud.on(ClusterService.get).reply(({ clusterId }, cluster) => {
    const { health = 'HEALTH_UNKNOWN', endpoint } = cluster ?? {};
    say(
      health === 'ALIVE'
        ? `Cluster ${clusterId} is healthy at ${endpoint}`
        : `Cluster ${clusterId} is created: health ${health}, wanted ALIVE`,
    );
    // The reply is that of the created cluster.
    return undefined;
  });
}
