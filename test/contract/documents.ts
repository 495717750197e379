import type { InteropWorker } from '../support/interop-worker';

/** One row of a document's table of fields. */
export interface FieldRow {
  name: string;
  type: string;
  oneof?: string;
}

/** A document that the contract comes from: what it says about OperationService, in tables. */
export interface ContractDocument {
  title: string;
  calls: Record<string, { takes: string; returns: string }>;
  /** The fields of each message, in the document's order. */
  messages: Record<string, FieldRow[]>;
  /** The host that serves the calls, when the document names one. */
  host?: string;
  /** Whether it says that operations of Object Storage cannot be cancelled. */
  excludesObjectStorage: boolean;
  /** An operation of a service that the document describes. It runs for at least half a second. */
  example: Example;
}

export interface Example {
  /** The method that starts it. */
  path: string;
  /** The field of the metadata that names the resource, and the field of the resource that it equals. */
  names: { metadata: string; resource: string };
  /** Starts the operation and resolves to its ID. */
  begin(interop: InteropWorker): Promise<string>;
  /** Some fields of the resulting resource. */
  resource: Record<string, unknown>;
}

const REQUEST: FieldRow[] = [{ name: 'operation_id', type: 'string' }];
const OPERATION: FieldRow[] = [
  { name: 'id', type: 'string' },
  { name: 'description', type: 'string' },
  { name: 'created_at', type: 'google.protobuf.Timestamp' },
  { name: 'created_by', type: 'string' },
  { name: 'modified_at', type: 'google.protobuf.Timestamp' },
  { name: 'done', type: 'bool' },
  { name: 'metadata', type: 'google.protobuf.Any' },
  { name: 'error', type: 'google.rpc.Status', oneof: 'result' },
  { name: 'response', type: 'google.protobuf.Any', oneof: 'result' },
];

/** What all documents say in the same way. */
const COMMON = {
  calls: {
    Get: { takes: 'GetOperationRequest', returns: 'Operation' },
    Cancel: { takes: 'CancelOperationRequest', returns: 'Operation' },
  },
  messages: { GetOperationRequest: REQUEST, CancelOperationRequest: REQUEST, Operation: OPERATION },
  excludesObjectStorage: false,
};

/**
 * An operation that the interop server begins at the first poll of its ID; `id` says which operation, and how long it
 * runs.
 */
function example(path: string, metadata: string, id: string, resource: Record<string, unknown>): Example {
  return { path, names: { metadata, resource: 'id' }, begin: () => Promise.resolve(id), resource };
}

const CREATE_CLUSTER = '/yandex.cloud.k8s.v1.ClusterService/Create';

export const documents: ContractDocument[] = [
  {
    ...COMMON,
    title: 'Managed Service for Kubernetes API, gRPC: OperationService',
    excludesObjectStorage: true,
    example: {
      path: CREATE_CLUSTER,
      names: { metadata: 'clusterId', resource: 'id' },
      // The operation begins with the call, so it has to run longer than a workflow takes to start.
      begin: async (interop) => (await interop.call(CREATE_CLUSTER, { folderId: 'b1g', name: 'contract-3s' })).id,
      resource: { '@type': 'type.googleapis.com/yandex.cloud.k8s.v1.Cluster', name: 'contract-3s', status: 'RUNNING' },
    },
  },
  {
    ...COMMON,
    title: 'Yandex Cloud API, in Russian: OperationService',
    host: 'operation.api.cloud.yandex.net',
    example: example('/yandex.cloud.compute.v1.InstanceService/Create', 'instanceId', 'instance-contract-500ms', {
      '@type': 'type.googleapis.com/yandex.cloud.compute.v1.Instance',
      resources: { memory: '4294967296', cores: '2', coreFraction: '100', gpus: '0' },
      metadata: { 'user-data': '#cloud-config\nhostname: тест\n' },
    }),
  },
  {
    ...COMMON,
    title: 'Yandex Cloud API, in English: OperationService',
    example: {
      ...example('/yandex.cloud.storage.v1.BucketService/Create', 'name', 'storage-contract-500ms', {
        '@type': 'type.googleapis.com/yandex.cloud.storage.v1.Bucket',
        anonymousAccessFlags: { read: true, list: false },
        maxSize: '9007199254740993',
        policy: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Weight: 0.5, Id: null }] },
      }),
      names: { metadata: 'name', resource: 'name' },
    },
  },
  {
    ...COMMON,
    title: 'Nebius Compute Cloud API, gRPC: OperationService',
    excludesObjectStorage: true,
    example: example('/yandex.cloud.compute.v1.DiskService/Create', 'diskId', 'disk-contract-500ms', {
      '@type': 'type.googleapis.com/yandex.cloud.compute.v1.Disk',
      size: '9007199254740993',
      status: 'READY',
      sourceImageId: 'fd80viupr3qjr5g6g9du',
    }),
  },
  {
    ...COMMON,
    title: 'Resource Manager API, gRPC: OperationService',
    excludesObjectStorage: true,
    example: example('/yandex.cloud.resourcemanager.v1.FolderService/Create', 'folderId', 'folder-contract-500ms', {
      '@type': 'type.googleapis.com/yandex.cloud.resourcemanager.v1.Folder',
      createdAt: '2024-06-01T12:00:00Z',
      status: 'ACTIVE',
    }),
  },
];
