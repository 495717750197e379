import type { AnyJson, StatusCodeName } from './snapshot';

/**
 * What a failed poll means for the wait.
 * - `transient`: the call did not get through or the cloud has a problem. Poll again; never ends a wait.
 * - `unknown`: the cloud has no such operation. Final after repeated answers over some time.
 * - `refused`: a wrong id, role, name or worker configuration. Ends a young wait, to report a mistake at once. A wait
 *   that was served before shows the refusal and keeps polling until someone fixes the cause.
 */
export type PollVerdict = 'transient' | 'unknown' | 'refused';

const TABLE: Record<StatusCodeName, { verdict: PollVerdict; reason: string }> = {
  OK: { verdict: 'transient', reason: 'an error without a code is a broken reply' },
  CANCELLED: {
    verdict: 'transient',
    reason: 'a proxy or a closing connection dropped the call; this is not about the operation',
  },
  UNKNOWN: { verdict: 'transient', reason: 'an error without a code, often from a proxy' },
  INVALID_ARGUMENT: { verdict: 'refused', reason: 'the id is malformed' },
  DEADLINE_EXCEEDED: { verdict: 'transient', reason: 'the reply is late; Get has no effect, so it may be repeated' },
  NOT_FOUND: { verdict: 'unknown', reason: 'right after a start, a replica may not know the operation yet' },
  ALREADY_EXISTS: { verdict: 'refused', reason: 'Get never returns it; the endpoint is another service' },
  PERMISSION_DENIED: { verdict: 'refused', reason: 'the account lacks the role, or lost it' },
  RESOURCE_EXHAUSTED: { verdict: 'transient', reason: 'too many requests: slow down' },
  FAILED_PRECONDITION: { verdict: 'refused', reason: 'Get never returns it; the endpoint is another service' },
  ABORTED: { verdict: 'transient', reason: 'a concurrency conflict within the cloud' },
  OUT_OF_RANGE: { verdict: 'refused', reason: 'Get never returns it; the endpoint is another service' },
  UNIMPLEMENTED: { verdict: 'refused', reason: 'the endpoint does not serve OperationService' },
  INTERNAL: { verdict: 'transient', reason: 'an error within the cloud, or a reply that cannot be read' },
  UNAVAILABLE: { verdict: 'transient', reason: 'no connection, or the service is restarting' },
  DATA_LOSS: { verdict: 'refused', reason: 'the cloud has lost the operation' },
  UNAUTHENTICATED: { verdict: 'refused', reason: 'the token is refused after one refresh: a wrong or revoked key' },
};

/** Backoff after consecutive failed polls stretches the interval by at most this factor. */
export const BACKOFF_LIMIT = 4;

/** How long the server asks to wait, from the error detail `google.rpc.RetryInfo`; 0 if it does not say. */
export function retryDelayMs(details: readonly AnyJson[]): number {
  const delay = details.find((detail) => detail['@type'].endsWith('/google.rpc.RetryInfo'))?.retryDelay;
  const seconds = typeof delay === 'string' ? Number.parseFloat(delay) : 0;
  return seconds > 0 ? seconds * 1000 : 0;
}

/** The verdict on the status code of a failed poll; codes that google.rpc.Code does not define are transient. */
export function pollVerdict(codeName: string): PollVerdict {
  return Object.hasOwn(TABLE, codeName) ? TABLE[codeName as StatusCodeName].verdict : 'transient';
}

/** Whether an operation or a start that failed with this code may succeed if repeated. */
export function isRetryable(codeName: string): boolean {
  return codeName !== 'CANCELLED' && pollVerdict(codeName) === 'transient';
}

/**
 * Codes for an operation that can never be cancelled. After other codes, as for a revoked role, Cancel may still
 * succeed.
 */
const REFUSES_CANCEL: readonly string[] = [
  'UNIMPLEMENTED',
  'FAILED_PRECONDITION',
  'INVALID_ARGUMENT',
] satisfies StatusCodeName[];

/** Whether repeating a Cancel that was refused with this code is pointless. */
export function refusesCancel(codeName: string): boolean {
  return REFUSES_CANCEL.includes(codeName);
}
