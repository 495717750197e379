import type { OperationProgress } from './progress';

/** Plain JSON, as a request to a cloud's method. */
export type JsonObject = { [key: string]: unknown };

/**
 * Canonical proto3 JSON of a `google.protobuf.Any`: the message's fields beside its `'@type'`. What cannot be read is
 * `{ '@type', base64, problem }`, so that nothing is lost.
 */
export type AnyJson = { '@type': string; [field: string]: unknown };

/** A `google.rpc.Status`: how an operation ended badly. `code` is a google.rpc.Code, `codeName` its name. */
export type OperationStatus = { code: number; codeName: string; message: string; details: AnyJson[] };

/**
 * What `OperationService.Get` returned, as plain JSON. Times are RFC 3339. `running` and `rollingBack` (it failed and
 * is being undone) go on; `succeeded` and `failed` are final.
 */
export type OperationSnapshot<R = AnyJson, M = AnyJson> = {
  /** The name under which the worker configures the cloud. */
  cloud: string;
  id: string;
  /** 0–256 characters, as the cloud describes it. */
  description?: string;
  createdAt?: string;
  /** The user or service account that started the operation. */
  createdBy?: string;
  modifiedAt?: string;
  /** Typically names the resource that the operation works on; there from the start, before the operation is done. */
  metadata?: M;
  /** Only where the worker has a reader of its own for this type of metadata: see `operationProgress()`. */
  progress?: OperationProgress;
} & (
  | { state: 'running' }
  | { state: 'rollingBack'; error: OperationStatus }
  | { state: 'succeeded'; response: R }
  | { state: 'failed'; error: OperationStatus }
);

/** What the query `operation` answers: the operation as last seen, and what is in the way of its next poll. */
export type ShownOperation = OperationSnapshot & {
  /** RFC 3339, by Temporal's clock; left out until a poll has come back to the workflow. */
  lastPolledAt?: string;
  /** The refusal that the wait is waiting out. Times are RFC 3339. */
  pollError?: { code: number; codeName: string; message: string; since: string; nextPollAt?: string };
};

/** Whether the operation has ended; then its result never changes. */
export function isDone(
  operation: OperationSnapshot,
): operation is OperationSnapshot & { state: 'succeeded' | 'failed' } {
  return operation.state === 'succeeded' || operation.state === 'failed';
}
