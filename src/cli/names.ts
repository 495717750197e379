import { operationWorkflowId } from '../model/names';
import { checkCloudName, checkOperationId } from '../model/options';
import { OptionError } from '../model/check';
import { CommandError, EXIT_CODES } from './outcome';

/** The error for an invalid name or option. */
export function misconfigured(message: string): CommandError {
  return new CommandError(message, EXIT_CODES.OperationConfigurationError);
}

/** Returns the result of `check`. Turns its OptionError into a CommandError for an invalid configuration. */
export function checkedOption<T>(check: () => T): T {
  try {
    return check();
  } catch (err) {
    throw err instanceof OptionError ? misconfigured(err.message) : err;
  }
}

/** Returns the ID of the workflow that awaits an operation. Throws a CommandError for an invalid cloud or operation. */
export function waitId(cloud: string, operationId: string): string {
  return checkedOption(() => operationWorkflowId(checkCloudName(cloud), checkOperationId(operationId)));
}

const MAXIMUM_NAME_BYTES = 1000;

/** Throws a CommandError for a name that Temporal ignores or refuses. */
export function checkTaskQueue(taskQueue: string): string {
  if (taskQueue === '') throw misconfigured('--task-queue is empty: name that of a worker, or leave it out.');
  const isName = Buffer.byteLength(taskQueue) <= MAXIMUM_NAME_BYTES && !/[\u0000-\u001f\u007f]/.test(taskQueue);
  if (isName && !taskQueue.startsWith('/_sys/')) return taskQueue;
  const rule = `give 1 to ${MAXIMUM_NAME_BYTES} bytes without control characters that do not begin with /_sys/`;
  throw checkFailed('--task-queue', taskQueue, rule);
}

/** Throws a CommandError for a name that is not a valid header value: each call sends the namespace in a header. */
export function checkNamespace(namespace: string): string {
  const rule = `give 1 to ${MAXIMUM_NAME_BYTES} characters of ASCII without spaces by --namespace, TEMPORAL_NAMESPACE or --profile`;
  if (/^[\x21-\x7e]+$/.test(namespace) && namespace.length <= MAXIMUM_NAME_BYTES) return namespace;
  throw checkFailed('The namespace', namespace, rule);
}

function checkFailed(field: string, value: string, rule: string): CommandError {
  return misconfigured(new OptionError(field, value, rule).message);
}
