import { fieldsOf } from './check';
import type { OperationProgress } from './progress';

/** Plain JSON, such as a request to a cloud's method. */
export type JsonObject = { [key: string]: unknown };

/**
 * Canonical proto3 JSON of a `google.protobuf.Any`: the message's fields and its `'@type'`. A message that cannot be
 * decoded becomes `{ '@type', base64, problem }`, so that nothing is lost.
 */
export type AnyJson = { '@type': string; [field: string]: unknown };

/**
 * A value that canonical JSON cannot express, such as a Timestamp in the year 10000 or a string that is not UTF-8.
 * `path` locates it in the snapshot, as in `metadata.hosts[2].labels`; `base64` holds its bytes, or the first of them.
 */
export type ValueProblem = { path: string; problem: string; base64: string };

/** A `google.rpc.Status`: why an operation failed. `code` is a google.rpc.Code, `codeName` its name. */
export type OperationStatus = { code: number; codeName: string; message: string; details: AnyJson[] };

/**
 * What `OperationService.Get` returned, as plain JSON. Times are RFC 3339. An operation in the state `running` or
 * `rollingBack` (it failed and is being undone) is in progress; `succeeded` and `failed` are final.
 */
export type OperationSnapshot<R = AnyJson, M = AnyJson> = {
  /** The name of the cloud in the worker's configuration. */
  cloud: string;
  id: string;
  /** 0–256 characters, as the cloud describes it. */
  description?: string;
  createdAt?: string;
  /** The user or service account that started the operation. */
  createdBy?: string;
  modifiedAt?: string;
  /** The resource that the operation works on, if the API names it outside the metadata. */
  resourceId?: string;
  /** Typically names the resource that the operation works on. Available while the operation is in progress. */
  metadata?: M;
  /** Values that canonical JSON cannot express, at most 100: they are null in `metadata`, `response` and `error`. */
  problems?: ValueProblem[];
  /**
   * Set only if the API tells it outside the metadata, or the worker configures a progress reader for this type of
   * metadata: see `operationProgress()`.
   */
  progress?: OperationProgress;
} & (
  | { state: 'running' }
  | { state: 'rollingBack'; error: OperationStatus }
  | { state: 'succeeded'; response: R }
  | { state: 'failed'; error: OperationStatus }
);

/** The answer to the query `operation`: the operation as the wait last saw it. */
export type ShownOperation = OperationSnapshot & {
  /** RFC 3339. Absent until the workflow has received a poll; until then `state` is a guess. */
  lastPolledAt?: string;
  /** The refusal that the wait is waiting out. Times are RFC 3339. */
  pollError?: { code: number; codeName: string; message: string; since: string; nextPollAt?: string };
};

/** Whether the operation has ended: its result is final. */
export function isDone(
  operation: OperationSnapshot,
): operation is OperationSnapshot & { state: 'succeeded' | 'failed' } {
  return operation.state === 'succeeded' || operation.state === 'failed';
}

/** An operation at which a wait ends. */
export type EndedOperation = OperationSnapshot & { state: 'succeeded' | 'failed' | 'rollingBack' };

/** Whether a wait with this `onRollback` ends at the operation as it is now. */
export function endsWait(
  operation: OperationSnapshot,
  onRollback: 'wait' | 'fail' = 'wait',
): operation is EndedOperation {
  return isDone(operation) || (operation.state === 'rollingBack' && onRollback === 'fail');
}

/** Whether a value received through Temporal has the shape of a snapshot. */
export function isSnapshot(value: unknown): value is OperationSnapshot {
  const { cloud, id, state, error, response } = fieldsOf(value);
  if (typeof cloud !== 'string' || typeof id !== 'string') return false;
  switch (state) {
    case 'running':
      return true;
    case 'rollingBack':
    case 'failed':
      return isOperationStatus(error);
    case 'succeeded':
      return '@type' in fieldsOf(response);
    default:
      return false;
  }
}

/** Whether a value received through Temporal has the shape of a status. */
export function isOperationStatus(value: unknown): value is OperationStatus {
  const { code, codeName, message, details } = fieldsOf(value);
  return (
    typeof code === 'number' && typeof codeName === 'string' && typeof message === 'string' && Array.isArray(details)
  );
}

/** The canonical gRPC status codes (google.rpc.Code), by number. */
const NAMES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

export type StatusCodeName = (typeof NAMES)[number];

/** The name of a status code; `CODE_<n>` for a number that google.rpc.Code does not define. */
export function codeName(code: number): string {
  return NAMES[code] ?? `CODE_${code}`;
}

/** The number of a status code. */
export function statusCode(name: StatusCodeName): number {
  return NAMES.indexOf(name);
}

export function isStatusCodeName(name: string): name is StatusCodeName {
  return NAMES.some((one) => one === name);
}
