import { ApplicationFailure } from '@temporalio/workflow';
import { operationFailure, operations } from 'temporal-lro/workflow';
import { CloudService } from './cloud/temporal/api/cloud/cloudservice/v1';
import type { Namespace, NamespaceSpecInput } from './cloud/temporal/api/cloud/namespace/v1';

const cloud = operations('temporalCloud');

/** A namespace that clients and workers can reach. */
export interface ReadyNamespace {
  /** The name with the account, as `orders.a2dd6`. */
  namespace: string;
  /** host:port for clients and workers. */
  address: string;
}

/**
 * Makes sure that there is a namespace with this name, and returns it when it can be reached. However often this runs,
 * it creates one namespace: a crash of the worker or a lost reply repeats the same start, and a new execution finds the
 * namespace of an earlier one.
 */
export async function createNamespace(spec: NamespaceSpecInput & { name: string }): Promise<ReadyNamespace> {
  const { namespace } = (await findNamespace(spec.name)) ?? (await startNamespace(spec));
  // An operation that is FULFILLED does not mean that the namespace can be reached.
  const ready = await cloud.until(
    CloudService.getNamespace,
    { namespace },
    {
      match: { namespace: { state: 'RESOURCE_STATE_ACTIVE' } },
      fail: { namespace: { state: ['RESOURCE_STATE_ACTIVATION_FAILED', 'RESOURCE_STATE_DELETING'] } },
      timeout: '30 min',
    },
  );
  return { namespace, address: ready.namespace?.endpoints?.grpcAddress ?? '' };
}

async function findNamespace(name: string): Promise<Namespace | undefined> {
  const { namespaces } = await cloud.call(CloudService.getNamespaces, { name });
  return namespaces[0];
}

/** Starts the operation and waits until it is done. */
async function startNamespace(spec: NamespaceSpecInput & { name: string }): Promise<Namespace> {
  try {
    return await cloud.execute(CloudService.createNamespace, { spec }, { timeout: '1 h' });
  } catch (err) {
    const failure = operationFailure(err);
    // The state REJECTED: Temporal Cloud does not accept this request, so a retry would be rejected as well.
    if (failure?.type === 'OperationFailed' && failure.codeName === 'FAILED_PRECONDITION') {
      throw ApplicationFailure.nonRetryable(
        `The namespace ${spec.name} is not created: ${failure.operation.error.message}`,
        'NamespaceRejected',
      );
    }
    throw err;
  }
}
