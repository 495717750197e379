// One workflow for each cloud: the same calls, whatever its API of operations.
import { operationFailure, operations } from 'temporal-lro/workflow';
import { CloudRedis, type Instance } from './cloud/google/cloud/redis/v1';
import { NetworkService, type Network } from './cloud/nebius/vpc/v1';
import { DiskService, type Disk } from './cloud/yandex/cloud/compute/v1';

/** Yandex Cloud: the operation contains the disk. */
export function createDisk(folderId: string, name: string): Promise<Disk> {
  const size = String(10 * 2 ** 30);
  return operations('yandex').execute(DiskService.create, { folderId, name, zoneId: 'ru-central1-a', size });
}

/** Nebius AI Cloud: the operation names the network, which is read when the operation is done. */
export function createNetwork(parentId: string, name: string): Promise<Network> {
  return operations('nebius').execute(NetworkService.create, { metadata: { parentId, name }, spec: {} });
}

/**
 * Google Cloud: the request has no `request_id`, so the start is not repeated if its reply is lost. The caller chooses
 * the ID of the instance, so the instance shows whether the operation has begun.
 */
export async function createRedis(parent: string, instanceId: string): Promise<Instance> {
  const google = operations('google');
  const instance = { tier: 'BASIC', memorySizeGb: 1 } as const;
  try {
    return await google.execute(CloudRedis.createInstance, { parent, instanceId, instance });
  } catch (err) {
    const failure = operationFailure(err);
    if (failure?.type !== 'OperationServiceError' || failure.codeName !== 'UNAVAILABLE') throw err;
    const name = `${parent}/instances/${instanceId}`;
    return google.until(CloudRedis.getInstance, { name }, { match: { state: 'READY' }, timeout: '1 h' });
  }
}
