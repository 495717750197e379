import { join } from 'path';
import type { CloudOptions } from 'temporal-lro';
import type { FakeCloud } from 'temporal-lro/testing';
import { CloudRedis } from '../clouds/cloud/google/cloud/redis/v1';
import { NetworkService } from '../clouds/cloud/nebius/vpc/v1';
import type { createNetwork, createRedis } from '../clouds/workflows';
import { CloudService } from '../temporal-cloud-namespace/cloud/temporal/api/cloud/cloudservice/v1';
import type { createNamespace } from '../temporal-cloud-namespace/workflows';
import { scriptCluster } from './scripted-cloud';
import type { provisionCluster } from './workflows';

/** A cloud that the demo plays, and the workflow that runs on it. */
export interface PlayedCloud {
  /** The name under which the worker configures the cloud, and the workflow finds it. */
  name: string;
  api: Extract<CloudOptions['api'], string>;
  descriptors: string[];
  workflowsPath: string;
  workflow: string;
  args: unknown[];
  summary: string;
  /** Sets what the cloud does. `say` prints what it replies to those who read a resource. */
  script: (cloud: FakeCloud, say: (text: string) => void) => void;
}

const PARENT = 'projects/demo/locations/us-central1';

const CLOUDS: Record<string, PlayedCloud> = {
  google: {
    name: 'google',
    api: 'google',
    descriptors: [join(__dirname, '../clouds/cloud/descriptors.binpb')],
    workflowsPath: require.resolve('../clouds/workflows'),
    workflow: 'createRedis',
    args: [PARENT, 'orders'] satisfies Parameters<typeof createRedis>,
    summary: 'Create the Redis instance orders',
    script: (cloud) => {
      cloud.on(CloudRedis.createInstance).reply(({ parent, instanceId }) => {
        const name = `${parent}/instances/${instanceId}`;
        const metadata = (statusDetail: string) => ({ verb: 'create', target: name, statusDetail });
        return {
          after: '12 s',
          metadata: metadata('allocating memory'),
          stages: [{ at: '3 s', metadata: metadata('starting Redis') }],
          response: { name, tier: 'BASIC', memorySizeGb: 1, state: 'READY', host: '10.0.0.3', port: 6379 },
        };
      });
    },
  },
  nebius: {
    name: 'nebius',
    api: 'nebius',
    descriptors: [join(__dirname, '../clouds/cloud/descriptors.binpb')],
    workflowsPath: require.resolve('../clouds/workflows'),
    workflow: 'createNetwork',
    args: ['project-demo', 'orders'] satisfies Parameters<typeof createNetwork>,
    summary: 'Create the network orders',
    script: (cloud) => {
      cloud.on(NetworkService.create).reply(({ metadata: { parentId = '', name = '' } = {} }) => ({
        after: '12 s',
        description: 'Create network',
        response: {
          metadata: { id: `vpcnetwork-${name}`, parentId, name, resourceVersion: '1', labels: {} },
          status: { state: 'READY', defaultRouteTableId: `vpcroutetable-${name}` },
        },
      }));
    },
  },
  'temporal-cloud': {
    name: 'temporalCloud',
    api: 'temporalCloud',
    descriptors: [join(__dirname, '../temporal-cloud-namespace/cloud/descriptors.binpb')],
    workflowsPath: require.resolve('../temporal-cloud-namespace/workflows'),
    workflow: 'createNamespace',
    args: [{ name: 'orders', regions: ['aws-us-east-1'], retentionDays: 30 }] satisfies Parameters<
      typeof createNamespace
    >,
    summary: 'Create the namespace orders',
    script: (cloud, say) => {
      cloud.on(CloudService.createNamespace).reply(({ spec: { name } = {} }) => {
        const namespace = `${name}.a2dd6`;
        const grpcAddress = `${namespace}.tmprl.cloud:7233`;
        const endpoints = { grpcAddress, webAddress: '', mtlsGrpcAddress: '' };
        return {
          after: '12 s',
          description: `Create namespace ${name}`,
          response: { namespace, state: 'RESOURCE_STATE_ACTIVATING' },
          afterwards: [{ after: '3 s', response: { namespace, state: 'RESOURCE_STATE_ACTIVE', endpoints } }],
        };
      });
      cloud.on(CloudService.getNamespace).reply(({ namespace }) => {
        say(`Namespace ${namespace} is created; it is read until it is active`);
        // The reply is that of the created namespace.
        return undefined;
      });
    },
  },
  yandex: {
    name: 'fakecloud',
    api: 'yandex',
    descriptors: [join(__dirname, 'cloud/descriptors.binpb')],
    workflowsPath: require.resolve('./workflows'),
    workflow: 'provisionCluster',
    args: ['demo', { web: 3, batch: 2, gpu: 8 }] satisfies Parameters<typeof provisionCluster>,
    summary: 'Provision the cluster demo',
    script: scriptCluster,
  },
};

/** Throws if there is no such cloud. */
export function playedCloud(name: string): PlayedCloud {
  const found = Object.entries(CLOUDS).find(([key]) => key === name);
  if (!found) throw new Error(`The demo has no cloud "${name}": choose one of ${Object.keys(CLOUDS).join(', ')}.`);
  return found[1];
}
