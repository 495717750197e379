import { checkCloudName, checkOperationId, isNil, OptionError } from '../src/model/options';

/** Which operation, and where the activities that reach it run. */
export interface Target {
  cloud: string;
  operationId: string;
  /** The workflow's own when undefined. */
  taskQueue?: string;
  /** The path of the method that started it, where the caller expects its types. */
  method?: string;
  /** Which wait of the workflow run this is, from 1: by it a worker finds what it watches for it. */
  wait?: number;
}

/** Checks what a caller gave; throws an OptionError. `method` is an OperationMethod or its path. */
export function resolveTarget(cloud: unknown, operationId: unknown, taskQueue?: unknown, method?: unknown): Target {
  return {
    cloud: checkCloudName(cloud),
    operationId: checkOperationId(operationId),
    ...(isNil(taskQueue) ? {} : { taskQueue: checkTaskQueue(taskQueue) }),
    ...(isNil(method) ? {} : { method: checkMethod(method) }),
  };
}

/** The server refuses commands with other names, and the workflow task with them. */
const MAXIMUM_TASK_QUEUE_BYTES = 1000;
const RESERVED_PREFIX = '/_sys/';

export function checkTaskQueue(value: unknown): string {
  const rule = `give the name of the task queue of a worker that configures the cloud: 1 to ${MAXIMUM_TASK_QUEUE_BYTES} bytes, not beginning with ${RESERVED_PREFIX}`;
  if (typeof value !== 'string' || value === '' || value.startsWith(RESERVED_PREFIX) || /\p{Surrogate}/u.test(value)) {
    throw new OptionError('taskQueue', value, rule);
  }
  if (new TextEncoder().encode(value).length > MAXIMUM_TASK_QUEUE_BYTES) {
    throw new OptionError('taskQueue', value, rule);
  }
  return value;
}

/** The path of an OperationMethod, or a path; throws an OptionError. */
export function checkMethod(value: unknown): string {
  const path = typeof value === 'object' && value !== null && 'path' in value ? value.path : value;
  if (typeof path !== 'string' || !/^\/?[\w.]+\/\w+$/.test(path)) {
    throw new OptionError('method', path, 'give a generated method, or a path such as "/package.Service/Method"');
  }
  return path;
}
