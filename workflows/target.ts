import { isNil, OptionError } from '../src/model/check';
import { checkCloudName, checkOperationId, checkRequestJson } from '../src/model/options';
import type { JsonObject, OperationSnapshot } from '../src/model/snapshot';

/** An operation, and the task queue of the activities that reach it. */
export interface Target {
  cloud: string;
  operationId: string;
  /** @default the workflow's own */
  taskQueue?: string;
  /** The path of the method that started the operation, if the caller expects the method's types. */
  method?: string;
  /** The path of that method, or its proto service or package. @default that of `method` */
  service?: string;
  /** The resource that the operation works on, from the reply to its start. */
  resourceId?: string;
  /** The number of the wait in its workflow run, from 1, by which a worker finds the wait's watch. */
  waitNumber?: number;
}

/** What a caller knows of the start of an operation. `method` is an OperationMethod or its path. */
export interface KnownStart {
  method?: unknown;
  service?: unknown;
  resourceId?: string;
}

/** What the start of an operation tells about it. A path as `method` carries no types, but names the service. */
export function knownStart(method: unknown, { resourceId }: OperationSnapshot): KnownStart {
  return {
    ...(typeof method === 'string' ? { service: method } : { method }),
    ...(resourceId !== undefined && { resourceId }),
  };
}

/** Checks a caller's input. Throws an OptionError if it is invalid. */
export function resolveTarget(
  cloud: unknown,
  operationId: unknown,
  taskQueue?: unknown,
  { method, service, resourceId }: KnownStart = {},
): Target {
  return {
    cloud: checkCloudName(cloud),
    operationId: checkOperationId(operationId),
    ...(isNil(taskQueue) ? {} : { taskQueue: checkTaskQueue(taskQueue) }),
    ...(isNil(method) ? {} : { method: checkMethod(method) }),
    ...(isNil(service) ? {} : { service: checkService(service) }),
    ...(resourceId === undefined ? {} : { resourceId }),
  };
}

/** The server rejects commands with longer or reserved names, and fails the workflow task. */
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

/** Checks the name of a service or a package, or the path of a method. Throws an OptionError. */
function checkService(value: unknown): string {
  if (typeof value === 'string' && value.length <= MAXIMUM_NAME_LENGTH && /^\/?[\w.]+(\/\w+)?$/.test(value))
    return value;
  throw new OptionError('service', value, 'give a proto service or package, such as "google.cloud.redis.v1"');
}

const MAXIMUM_NAME_LENGTH = 500;

/** Returns the path of an OperationMethod, or a given path. Throws an OptionError for anything else. */
export function checkMethod(value: unknown): string {
  const path = pathOf(value);
  if (path !== undefined) return path;
  const given = typeof value === 'object' && value !== null && 'path' in value ? value.path : value;
  throw new OptionError('method', given, 'give a generated method, or a path such as "/package.Service/Method"');
}

/** The path of a method that a caller gave; undefined if it is none. */
export function pathOf(method: unknown): string | undefined {
  const path = typeof method === 'object' && method !== null && 'path' in method ? method.path : method;
  return typeof path === 'string' && /^\/?[\w.]+\/\w+$/.test(path) ? path : undefined;
}

/** A reading method, which of its replies is wanted, and the task queue of the activities that call it. */
export interface ResourceTarget {
  cloud: string;
  method: string;
  request: JsonObject;
  match: JsonObject | 'absent';
  fail?: JsonObject;
  taskQueue?: string;
  waitNumber?: number;
}

/** Checks a caller's input. Throws an OptionError if it is invalid. The worker checks it against the method. */
export function resolveResource(
  cloud: unknown,
  method: unknown,
  request: unknown,
  { match, fail }: { match?: unknown; fail?: unknown },
  taskQueue?: unknown,
): ResourceTarget {
  if (typeof match === 'string' && match !== 'absent') {
    throw new OptionError('match', match, 'give a partial reply, or "absent"');
  }
  return {
    cloud: checkCloudName(cloud),
    method: checkMethod(method),
    request: checkRequestJson(request),
    match: match === 'absent' ? match : checkRequestJson(match, 'match'),
    ...(isNil(fail) ? {} : { fail: checkRequestJson(fail, 'fail') }),
    ...(isNil(taskQueue) ? {} : { taskQueue: checkTaskQueue(taskQueue) }),
  };
}
