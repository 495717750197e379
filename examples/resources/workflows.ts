// The workflows of docs/resources.md.
import type { Duration } from '@temporalio/common';
import { ApplicationFailure, executeChild } from '@temporalio/workflow';
import { operationFailure, operations } from 'temporal-lro/workflow';
import { awaitResource } from 'temporal-lro/workflow-definitions';
import {
  ClusterService,
  NetworkService,
  type Cluster,
  type ListNetworksResponse,
  type Network,
} from '../provision-cluster/cloud/fakecloud/v1';

export { awaitResource } from 'temporal-lro/workflow-definitions';

const cloud = operations('yandex');

/** Creates a cluster, waits until it is healthy, and reads its address. */
export async function createReady(name: string): Promise<string> {
  const { id } = await cloud.execute(ClusterService.create, { folderId: 'folder', name });
  const ready = await cloud.until(
    ClusterService.get,
    { clusterId: id },
    { match: { status: 'RUNNING', health: 'ALIVE' }, fail: { health: 'DEAD' }, timeout: '30 min' },
  );
  return ready.endpoint;
}

/** Deletes a network, and returns when the cloud no longer knows it. */
export async function deleteNetwork(networkId: string): Promise<void> {
  await cloud.execute(NetworkService.delete, { networkId });
  await cloud.until(NetworkService.get, { networkId }, { match: 'absent', timeout: '10 min' });
}

/** Waits until somebody has updated a cluster to one of the wanted versions. */
export function updated(clusterId: string, versions: string[]): Promise<Cluster> {
  return cloud.until(
    ClusterService.get,
    { clusterId },
    { match: { version: versions }, timeout: '7 days', poll: { by: 'activityRetry', maximumInterval: '10 min' } },
  );
}

/** Reads all networks of a folder, page by page. */
export async function listNetworks(folderId: string): Promise<Network[]> {
  const found: Network[] = [];
  let page: ListNetworksResponse | undefined;
  do {
    page = await cloud.call(NetworkService.list, { folderId, pageToken: page?.nextPageToken ?? '' });
    found.push(...page.networks);
  } while (page.nextPageToken !== '');
  return found;
}

/** Creates a cluster. If the operation takes too long, reads the cluster itself. */
export async function createOrVerify(name: string, timeout: Duration): Promise<Cluster> {
  const creation = await cloud.start(ClusterService.create, { folderId: 'folder', name });
  try {
    return await creation.result({ timeout });
  } catch (err) {
    if (operationFailure(err)?.type !== 'OperationTimedOut') throw err;
    const cluster = await cloud.call(ClusterService.get, { clusterId: creation.operation.metadata?.clusterId });
    if (cluster.status === 'RUNNING') return cluster;
    throw ApplicationFailure.nonRetryable(`Cluster ${cluster.id} is ${cluster.status}`, 'ClusterNotReady');
  }
}

/** Waits in a workflow of its own, as a parent in another language does. */
export async function healthy(clusterId: string): Promise<unknown> {
  return executeChild(awaitResource, {
    args: [
      {
        cloud: 'yandex',
        method: '/fakecloud.v1.ClusterService/Get',
        request: { clusterId },
        match: { health: 'ALIVE' },
        timeout: '30 min',
      },
    ],
  });
}
