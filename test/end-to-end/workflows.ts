import { executeChild } from '@temporalio/workflow';
import {
  operations,
  operationWorkflowId,
  type AnyJson,
  type JsonObject,
  type OperationsOptions,
} from 'temporal-lro/workflow';
import { awaitOperation } from 'temporal-lro/workflow-definitions';

export * from 'temporal-lro/workflow-definitions';

export function wait(cloud: string, operationId: string, options: OperationsOptions = {}): Promise<AnyJson> {
  return operations(cloud, options).wait(operationId);
}

/** Calls the method that polls, as a method of its own. */
export function look(cloud: string, operationId: string): Promise<JsonObject> {
  return operations(cloud).call('/yandex.cloud.operation.OperationService/Get', { operationId });
}

/** Awaits the operation in a child on another task queue. */
export function awaitElsewhere(taskQueue: string, cloud: string, operationId: string): Promise<AnyJson> {
  const workflowId = operationWorkflowId(cloud, operationId);
  return executeChild(awaitOperation, {
    taskQueue,
    workflowId,
    args: [{ cloud, operationId, poll: { initialInterval: '100 ms' } }],
  });
}
