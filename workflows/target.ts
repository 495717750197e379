import { checkCloudName, checkOperationId, OptionError } from '../src/model/options';

/** Which operation, and where the activities that reach it run. */
export interface Target {
  cloud: string;
  operationId: string;
  /** The workflow's own when undefined. */
  taskQueue?: string;
  /** The path of the method that started it, where the caller expects its types. */
  method?: string;
}

/** Checks what a caller gave; throws an OptionError. `method` is an OperationMethod or its path. */
export function resolveTarget(cloud: unknown, operationId: unknown, taskQueue?: unknown, method?: unknown): Target {
  return {
    cloud: checkCloudName(cloud),
    operationId: checkOperationId(operationId),
    ...(taskQueue === undefined ? {} : { taskQueue: checkTaskQueue(taskQueue) }),
    ...(method === undefined ? {} : { method: checkMethod(method) }),
  };
}

function checkTaskQueue(value: unknown): string {
  if (typeof value !== 'string' || value === '') {
    throw new OptionError('taskQueue', value, 'give the name of the task queue of a worker that configures the cloud');
  }
  return value;
}

function checkMethod(value: unknown): string {
  const path = typeof value === 'object' && value !== null && 'path' in value ? value.path : value;
  if (typeof path !== 'string' || !/^\/?[\w.]+\/\w+$/.test(path)) {
    throw new OptionError('method', path, 'give a generated method, or a path such as "/package.Service/Method"');
  }
  return path;
}
