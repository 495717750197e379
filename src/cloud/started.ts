import type { ApplicationFailure } from '@temporalio/common';
import { toApplicationFailure } from '../model/failure';
import { isOperationId, MAXIMUM_ID_BYTES } from '../model/options';
import type { OperationSnapshot } from '../model/snapshot';
import { nameOf, stateText } from '../model/texts';
import { MAXIMUM_REPLY_BYTES } from '../transport/channel';
import type { RawOperation } from '../apis/api';
import { OperationServiceError } from '../apis/error';

// Replies to starts whose operation cannot be awaited. They must not be lost, and the start must not be retried.

/** The maximum length of an invalid id in an error message. */
const MAXIMUM_SHOWN_LENGTH = 100;

/**
 * The operation in a reply to a start. It may lack an id if it is done, since it is not polled again. Otherwise throws
 * an `OperationUnreadable` failure, with the operation, if the id is invalid.
 */
export function toStarted(
  what: string,
  raw: RawOperation,
  read: (raw: RawOperation) => OperationSnapshot,
): OperationSnapshot {
  if (isOperationId(raw.id) || (raw.id === '' && raw.done)) return read(raw);
  const operation = read({ ...raw, id: shown(raw.id) });
  throw toApplicationFailure({
    type: 'OperationUnreadable',
    cloud: operation.cloud,
    operationId: operation.id,
    message: `${nameOf(operation)} was started by ${what}, but cannot be awaited or cancelled: ${problemOf(raw.id)}. Its state was ${stateText(operation)}. Look for it in the cloud by its other properties`,
    details: [],
    operation,
  });
}

function problemOf(id: string): string {
  if (id === '') return 'it has no id';
  const size = Buffer.byteLength(id);
  return size > MAXIMUM_ID_BYTES
    ? `its id has ${size} bytes, more than the ${MAXIMUM_ID_BYTES} of an id`
    : 'its id has control characters';
}

/** The id with control characters escaped as in JSON, truncated. */
function shown(id: string): string {
  const text = JSON.stringify(id.slice(0, MAXIMUM_SHOWN_LENGTH)).slice(1, -1);
  return id.length > MAXIMUM_SHOWN_LENGTH ? `${text}…` : text;
}

/**
 * How grpc-js reports a reply over the limit. Its code, RESOURCE_EXHAUSTED, also means a busy server and would be
 * retried forever. A server uses the same text for requests, with its own limit.
 */
const REPLY_TOO_LARGE = new RegExp(
  `^Received message (?:larger than max .* vs|that decompresses to a size larger than) ${MAXIMUM_REPLY_BYTES}\\b`,
);

export function isReplyTooLarge(err: unknown): boolean {
  return err instanceof OperationServiceError && REPLY_TOO_LARGE.test(err.rawMessage);
}

/** The failure of a start whose reply was too large. */
export function replyTooLarge(cloud: string, what: string, idempotencyKey: string): ApplicationFailure {
  return toApplicationFailure({
    type: 'OperationUnreadable',
    cloud,
    operationId: '',
    message: `${what} started an operation that cannot be awaited or cancelled: the reply with its id is larger than ${MAXIMUM_REPLY_BYTES / 2 ** 20} MiB. Look for it in the cloud; its idempotencyKey is ${idempotencyKey}`,
    details: [],
  });
}
