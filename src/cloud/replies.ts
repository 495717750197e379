import type { RawOperation } from '../apis/api';
import { OperationServiceError } from '../apis/error';
import { WrongTypeError } from '../apis/wire-scan';
import { toApplicationFailure } from '../model/failure';
import { statusCode } from '../model/snapshot';
import { operationName } from '../model/texts';
import { messageOf } from '../model/thrown';
import { MAXIMUM_REPLY_BYTES, type Reply } from '../transport/channel';
import { isReplyTooLarge } from './started';

/** The operation that a reply should be about. A start has none yet. */
interface Expected {
  /** Describes the call in error messages. */
  what: string;
  cloud: string;
  operationId?: string;
}

/**
 * Decodes a reply. Throws an OperationServiceError with the code INTERNAL, which is transient, if the reply is damaged
 * or is about another operation, and an `OperationUnreadable` failure if it is another message.
 */
export function decodeReply(
  { what, cloud, operationId }: Expected,
  reply: Reply,
  decode: (reply: Reply) => RawOperation,
): RawOperation {
  const garbled = (problem: string): OperationServiceError =>
    new OperationServiceError(what, { code: statusCode('INTERNAL'), message: `the reply ${problem}` });
  // A proxy that has lost a reply returns an empty one.
  if (reply.body.length === 0) throw garbled('names no operation');
  let raw;
  try {
    raw = decode(reply);
  } catch (err) {
    const problem = `is not an Operation (${messageOf(err)})`;
    if (!(err instanceof WrongTypeError)) throw garbled(problem);
    const message = `${what}: the reply ${problem}. Check that the cloud's \`api\` is the one that this address speaks`;
    throw toApplicationFailure({
      type: 'OperationUnreadable',
      cloud,
      operationId: operationId ?? '',
      message,
      details: [],
    });
  }
  if (operationId === undefined || raw.id === operationId) return raw;
  if (raw.id === '') throw garbled('names no operation');
  throw garbled(`is about another operation, ${JSON.stringify(raw.id.slice(0, 100))}`);
}

/** Makes a call. A reply that grpc-js refuses to receive fails with `OperationUnreadable`, since it stays too large. */
export async function unlessTooLarge<T>(
  { cloud, operationId = '' }: Omit<Expected, 'what'>,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (err) {
    if (!isReplyTooLarge(err)) throw err;
    const name = operationName(cloud, operationId);
    const message = `${name} cannot be read: its reply is larger than ${MAXIMUM_REPLY_BYTES / 2 ** 20} MiB. Read the resource with a call of your own`;
    throw toApplicationFailure({ type: 'OperationUnreadable', cloud, operationId, message, details: [] });
  }
}

/**
 * Rejects with CANCELLED if `signal` aborts while the call waits for its turn, a token or an endpoint, or if `inFlight`
 * aborts while it waits for the reply.
 */
export async function unlessAborted<T>(
  what: string,
  work: () => Promise<T>,
  signal: AbortSignal | undefined,
  inFlight = signal,
): Promise<T> {
  try {
    return await work();
  } catch (err) {
    const neverSent = !(err instanceof OperationServiceError) || err.neverSent;
    if (!(neverSent ? signal : inFlight)?.aborted) throw err;
    const message = `the call was aborted before it was ${neverSent ? 'sent' : 'answered'}`;
    throw new OperationServiceError(what, { code: statusCode('CANCELLED'), message, neverSent });
  }
}
