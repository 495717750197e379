import type { AnyJson, StatusCodeName } from './snapshot';

/**
 * What an error of a poll means for the wait.
 * - `transient`: the call did not get through or the cloud is in trouble. Poll again; it never ends a wait.
 * - `unknown`: the cloud has no such operation. Forgiven for the first polls of a young wait, final afterwards.
 * - `refused`: a wrong id, role, name or worker configuration. It ends a young wait, where it tells a mistake at once;
 *   an older one has been served before, so something broke that somebody will mend: shown, and waited out.
 */
export type PollVerdict = 'transient' | 'unknown' | 'refused';

const TABLE: Record<StatusCodeName, { verdict: PollVerdict; reason: string }> = {
  OK: { verdict: 'transient', reason: 'an error without a code is a broken reply' },
  CANCELLED: {
    verdict: 'transient',
    reason: 'a proxy or a closing connection dropped the call; the operation is not meant',
  },
  UNKNOWN: { verdict: 'transient', reason: 'a failure without a code, often a proxy between' },
  INVALID_ARGUMENT: { verdict: 'refused', reason: 'the id is malformed' },
  DEADLINE_EXCEEDED: { verdict: 'transient', reason: 'the reply is late; Get has no effect, so it may be repeated' },
  NOT_FOUND: { verdict: 'unknown', reason: 'right after a start a replica may not know the operation yet' },
  ALREADY_EXISTS: { verdict: 'refused', reason: 'no answer to Get; the endpoint is another service' },
  PERMISSION_DENIED: { verdict: 'refused', reason: 'the account lacks the role, or had it revoked' },
  RESOURCE_EXHAUSTED: { verdict: 'transient', reason: 'too many requests: slow down' },
  FAILED_PRECONDITION: { verdict: 'refused', reason: 'no answer to Get; the endpoint is another service' },
  ABORTED: { verdict: 'transient', reason: 'a concurrency conflict within the cloud' },
  OUT_OF_RANGE: { verdict: 'refused', reason: 'no answer to Get; the endpoint is another service' },
  UNIMPLEMENTED: { verdict: 'refused', reason: 'the endpoint does not serve OperationService' },
  INTERNAL: { verdict: 'transient', reason: 'trouble within the cloud, or a reply that cannot be read' },
  UNAVAILABLE: { verdict: 'transient', reason: 'no connection, or the service is restarting' },
  DATA_LOSS: { verdict: 'refused', reason: 'the cloud has lost the operation' },
  UNAUTHENTICATED: { verdict: 'refused', reason: 'the token is refused after one refresh: a wrong or revoked key' },
};

/** Polls that fail in a row are at most so many times further apart than the schedule says. */
export const BACKOFF_LIMIT = 4;

/** How long a refusing server asks to wait: `google.rpc.RetryInfo` among the details of an error; 0 where it does not say. */
export function retryDelayMs(details: readonly AnyJson[]): number {
  const delay = details.find((detail) => detail['@type'].endsWith('/google.rpc.RetryInfo'))?.retryDelay;
  const seconds = typeof delay === 'string' ? Number.parseFloat(delay) : 0;
  return seconds > 0 ? seconds * 1000 : 0;
}

/** What a status code of a failed poll means; codes that google.rpc.Code does not have are transient. */
export function pollVerdict(codeName: string): PollVerdict {
  return Object.hasOwn(TABLE, codeName) ? TABLE[codeName as StatusCodeName].verdict : 'transient';
}

/** Whether what ended with that code may go well another time: an operation, or a start that was refused. */
export function isRetryable(codeName: string): boolean {
  return codeName !== 'CANCELLED' && pollVerdict(codeName) === 'transient';
}

/** Codes of a cloud, or an operation, that cannot be cancelled. After others, such as a revoked role, Cancel may succeed yet. */
const REFUSES_CANCEL: readonly string[] = [
  'UNIMPLEMENTED',
  'FAILED_PRECONDITION',
  'INVALID_ARGUMENT',
] satisfies StatusCodeName[];

/** Whether a Cancel that is refused with that code is not worth repeating. */
export function refusesCancel(codeName: string): boolean {
  return REFUSES_CANCEL.includes(codeName);
}
