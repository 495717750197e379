import type { OperationMethod, UnaryMethod } from '../model/method';

// The resource API of FakeCloud (proto/fakecloud/v1/resources.proto) as canonical JSON. Fields of requests are
// optional, and default to empty. Fields of responses and metadata are always present.

/** A private network. */
export interface Network {
  id: string;
  name: string;
  folderId: string;
}

export interface GetNetworkRequest {
  networkId?: string;
}

/** The request for one page of the resources in a folder. */
export interface ListRequest {
  folderId?: string;
  /** The most resources that a reply has. An int64, which JSON carries as a string. By default 100. */
  pageSize?: string;
  /** The `nextPageToken` of the previous reply. */
  pageToken?: string;
}

export interface ListNetworksResponse {
  networks: Network[];
  /** Empty on the last page. */
  nextPageToken: string;
}

export interface CreateNetworkRequest {
  folderId?: string;
  name?: string;
}

export interface DeleteNetworkRequest {
  networkId?: string;
}

/** Names the network that is being created or deleted. */
export interface NetworkMetadata {
  networkId: string;
}

/** A cluster of nodes in a network. */
export interface Cluster {
  id: string;
  name: string;
  networkId: string;
  status: 'STATUS_UNSPECIFIED' | 'PROVISIONING' | 'RUNNING';
  version: string;
  /** Becomes known some time after the cluster is created. */
  health: 'HEALTH_UNKNOWN' | 'ALIVE' | 'DEAD' | 'DEGRADED';
  /** The address of its control plane. */
  endpoint: string;
  folderId: string;
}

export interface GetClusterRequest {
  clusterId?: string;
}

export interface ListClustersResponse {
  clusters: Cluster[];
  /** Empty on the last page. */
  nextPageToken: string;
}

export interface CreateClusterRequest {
  folderId?: string;
  name?: string;
  networkId?: string;
  version?: string;
}

/** Names the cluster being created, and reports its progress. */
export interface CreateClusterMetadata {
  clusterId: string;
  /** 0 to 100. */
  progressPercentage: number;
  step: string;
}

export interface UpdateClusterRequest {
  clusterId?: string;
  /** The fields to change, such as `'name,version'`. */
  updateMask?: string;
  name?: string;
  version?: string;
}

export interface DeleteClusterRequest {
  clusterId?: string;
}

/** Names the cluster that is being updated or deleted. */
export interface ClusterMetadata {
  clusterId: string;
}

/** Machines of one kind in a cluster. */
export interface NodeGroup {
  id: string;
  name: string;
  clusterId: string;
  /** An int64, which JSON carries as a string. */
  size: string;
}

export interface CreateNodeGroupRequest {
  clusterId?: string;
  name?: string;
  /** An int64, which JSON carries as a string. */
  size?: string;
}

export interface DeleteNodeGroupRequest {
  nodeGroupId?: string;
}

/** Names the node group that is being created or deleted. */
export interface NodeGroupMetadata {
  nodeGroupId: string;
}

/** google.protobuf.Empty: the response of methods that return no data. */
export type Empty = Record<never, never>;

/** Creates, deletes and reads networks. */
export const NetworkService = {
  get: unary<GetNetworkRequest, Network>('/fakecloud.v1.NetworkService/Get'),
  list: unary<ListRequest, ListNetworksResponse>('/fakecloud.v1.NetworkService/List'),
  create: method<CreateNetworkRequest, Network, NetworkMetadata>('/fakecloud.v1.NetworkService/Create'),
  delete: method<DeleteNetworkRequest, Empty, NetworkMetadata>('/fakecloud.v1.NetworkService/Delete'),
} as const;

/** Creates, updates, deletes and reads clusters. */
export const ClusterService = {
  get: unary<GetClusterRequest, Cluster>('/fakecloud.v1.ClusterService/Get'),
  list: unary<ListRequest, ListClustersResponse>('/fakecloud.v1.ClusterService/List'),
  create: method<CreateClusterRequest, Cluster, CreateClusterMetadata>('/fakecloud.v1.ClusterService/Create'),
  update: method<UpdateClusterRequest, Cluster, ClusterMetadata>('/fakecloud.v1.ClusterService/Update'),
  delete: method<DeleteClusterRequest, Empty, ClusterMetadata>('/fakecloud.v1.ClusterService/Delete'),
} as const;

/** Creates and deletes the node groups of clusters. */
export const NodeGroupService = {
  create: method<CreateNodeGroupRequest, NodeGroup, NodeGroupMetadata>('/fakecloud.v1.NodeGroupService/Create'),
  delete: method<DeleteNodeGroupRequest, Empty, NodeGroupMetadata>('/fakecloud.v1.NodeGroupService/Delete'),
} as const;

function method<Q, R, M>(path: string): OperationMethod<Q, R, M> {
  return { path };
}

function unary<Q, R>(path: string): UnaryMethod<Q, R> {
  return { path };
}
