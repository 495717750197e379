import { descriptorSet, messageOption, stringOption } from './descriptors';

// Small services of each cloud, with the options of its own descriptors.

const info = messageOption(1049, { 1: 'Disk', 2: 'DiskMetadata' });
const path = messageOption(72295728, { 4: '/v1/{parent=projects/*}/disks:{disk.name=x}' });
export const longrunning = { package: 'google.longrunning', messages: { Operation: [] } };
export const disks = (name: string, host: string): Parameters<typeof descriptorSet>[0] => ({
  package: name,
  messages: {
    Disk: [{ name: 'name' }],
    DiskMetadata: [{ name: 'verb' }, { name: 'target' }],
    CreateDiskRequest: [{ name: 'parent' }, { name: 'request_id' }, { name: 'disk', type: `${name}.Disk` }],
    DeleteDiskRequest: [{ name: 'name' }, { name: 'uid', options: [messageOption(291403980, { 1: 1 })] }],
    GrowDiskRequest: [{ name: 'name' }],
  },
  services: {
    Disks: {
      options: [stringOption(1049, host)],
      methods: ['Create', 'Delete', 'Grow'].map((verb) => ({
        name: `${verb}Disk`,
        input: `${name}.${verb}DiskRequest`,
        output: 'google.longrunning.Operation',
        options: [info, path],
      })),
    },
  },
});
export const googleDescriptors = [descriptorSet(longrunning, disks('acme.v1', 'disks.googleapis.com'))];

const COMPUTE = 'nebius.compute.v1';
export const nebiusDescriptors = [
  descriptorSet(
    { package: 'nebius.common.v1', messages: { Operation: [] } },
    {
      package: COMPUTE,
      messages: { Disk: [{ name: 'id' }], CreateDiskRequest: [{ name: 'name' }], IdRequest: [{ name: 'id' }] },
      services: {
        DiskService: {
          options: [stringOption(1191, 'compute')],
          methods: [
            { name: 'Create', input: `${COMPUTE}.CreateDiskRequest`, output: 'nebius.common.v1.Operation' },
            { name: 'Delete', input: `${COMPUTE}.IdRequest`, output: 'nebius.common.v1.Operation' },
            { name: 'Get', input: `${COMPUTE}.IdRequest`, output: `${COMPUTE}.Disk` },
          ],
        },
      },
    },
  ),
];

const CLOUD_SERVICE = 'temporal.api.cloud.cloudservice.v1';
const OPERATION = 'temporal.api.cloud.operation.v1.AsyncOperation';

export const temporalCloudDescriptors = [
  descriptorSet(
    { package: 'temporal.api.cloud.operation.v1', messages: { AsyncOperation: [] } },
    {
      package: CLOUD_SERVICE,
      messages: {
        Namespace: [{ name: 'namespace' }],
        CreateNamespaceRequest: [{ name: 'name' }, { name: 'async_operation_id' }],
        CreateNamespaceResponse: [{ name: 'namespace' }, { name: 'async_operation', type: OPERATION }],
        GetNamespaceRequest: [{ name: 'namespace' }],
        GetNamespaceResponse: [{ name: 'namespace', type: `${CLOUD_SERVICE}.Namespace` }],
      },
      services: {
        CloudService: {
          methods: [
            {
              name: 'CreateNamespace',
              input: `${CLOUD_SERVICE}.CreateNamespaceRequest`,
              output: `${CLOUD_SERVICE}.CreateNamespaceResponse`,
            },
            {
              name: 'GetNamespace',
              input: `${CLOUD_SERVICE}.GetNamespaceRequest`,
              output: `${CLOUD_SERVICE}.GetNamespaceResponse`,
            },
          ],
        },
      },
    },
  ),
];
