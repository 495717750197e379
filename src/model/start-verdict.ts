import { pollVerdict, retryDelayMs } from './error-table';
import { isOperationId } from './options';
import type { AnyJson, StatusCodeName } from './snapshot';
import {
  FREES_ITSELF,
  idIn,
  matches,
  NAMES_CONFLICT,
  NAMES_OPERATION,
  NEEDS_SOMEBODY,
  SAYS_IN_PROGRESS,
} from './start-refusals';

/**
 * What an error of a start means.
 * - `unknown`: no answer from the cloud itself, so it may have begun the operation. Repeated with the same key.
 * - `busy`: nothing was begun, and later it may be. Backed off from.
 * - `conflict`: another operation is in the way. Waited for, then tried again.
 * - `refused`: nothing was begun, and nothing changes by itself.
 */
export type StartVerdict =
  { verdict: 'unknown' | 'busy' | 'refused' } | { verdict: 'conflict'; conflictingOperationId: string };

/** An error of a start, as far as the verdict depends on it. */
export interface StartError {
  codeName: string;
  message: string;
  details: readonly AnyJson[];
  /** Nothing has reached the cloud. */
  neverSent: boolean;
}

/** Codes of trouble on the way or within the cloud, after which the start may or may not have had its effect. */
const TROUBLE: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'INTERNAL',
  'UNAVAILABLE',
] satisfies StatusCodeName[];

/** Codes by which clouds say that something else is going on with the resource. */
const IN_PROGRESS: readonly string[] = ['FAILED_PRECONDITION', 'ABORTED', 'ALREADY_EXISTS'] satisfies StatusCodeName[];

/** `google.rpc.ErrorInfo.reason`; the others say nothing that the text does not. */
const REASONS: Readonly<Record<string, { verdict: 'busy' | 'refused'; reason: string }>> = {
  RATE_LIMIT_EXCEEDED: { verdict: 'busy', reason: 'google.api.ErrorReason: not enough rate quota' },
  CONCURRENT_OPERATIONS_QUOTA_EXCEEDED: { verdict: 'busy', reason: 'Compute Engine: others end' },
  RESOURCE_QUOTA_EXCEEDED: { verdict: 'refused', reason: 'google.api.ErrorReason: not enough resource quota' },
};

/** The details of an error: each type with what it says. */
interface Told {
  /** Whether the cloud itself says that the call may be repeated. */
  verdict?: 'busy' | 'refused';
  /** The operation that is in the way. */
  conflict?: string;
  /** What is said of preconditions that do not hold. */
  preconditions: string[];
  /** What is said of quotas that are exceeded; undefined where it is nothing about quotas. */
  quotas?: string[];
}

/**
 * What an error of a start means. RESOURCE_EXHAUSTED of which nothing is known is `busy`: nothing was begun, and whoever
 * waits for a limit in vain waits no longer than `startTimeout`; who is refused because of a rate loses the workflow.
 */
export function startVerdict(error: StartError): StartVerdict {
  const { codeName, message, details, neverSent } = error;
  if (neverSent) return { verdict: pollVerdict(codeName) === 'transient' ? 'busy' : 'refused' };
  const conflictingOperationId = idIn(NAMES_CONFLICT, message);
  if (conflictingOperationId !== undefined) return { verdict: 'conflict', conflictingOperationId };
  if (TROUBLE.includes(codeName)) return { verdict: 'unknown' };
  if (IN_PROGRESS.includes(codeName)) return inProgressVerdict(codeName, message, told(details));
  return { verdict: codeName === 'RESOURCE_EXHAUSTED' ? exhaustedVerdict(message, told(details)) : 'refused' };
}

function inProgressVerdict(
  codeName: string,
  message: string,
  { verdict, conflict, preconditions }: Told,
): StartVerdict {
  const texts = [message, ...preconditions];
  const tables = [NAMES_CONFLICT, NAMES_OPERATION];
  const named = tables.flatMap((table) => texts.map((text) => idIn(table, text)));
  const conflictingOperationId = conflict ?? named.find((id) => id !== undefined);
  if (conflictingOperationId !== undefined) return { verdict: 'conflict', conflictingOperationId };
  // What it names may be no id.
  const says = (text: string): boolean => [SAYS_IN_PROGRESS, ...tables].some((table) => matches(table, text));
  const passes = codeName === 'ABORTED' || texts.some(says);
  return { verdict: verdict ?? (passes ? 'busy' : 'refused') };
}

function exhaustedVerdict(message: string, { verdict, quotas }: Told): 'busy' | 'refused' {
  if (verdict) return verdict;
  if (quotas && quotas.length > 0) return quotas.every((quota) => matches(FREES_ITSELF, quota)) ? 'busy' : 'refused';
  if (matches(FREES_ITSELF, message)) return 'busy';
  return quotas || matches(NEEDS_SOMEBODY, message) ? 'refused' : 'busy';
}

function told(details: readonly AnyJson[]): Told {
  const found: Told = { preconditions: [] };
  if (retryDelayMs(details) > 0) found.verdict = 'busy';
  for (const detail of details) {
    switch (detail['@type'].slice(detail['@type'].lastIndexOf('/') + 1)) {
      case 'google.rpc.ErrorInfo': {
        const verdict = REASONS[textOf(detail.reason)]?.verdict;
        if (verdict) found.verdict ??= verdict;
        break;
      }
      case 'google.rpc.PreconditionFailure':
        for (const { type, subject, description } of violations(detail)) {
          found.preconditions.push(textOf(description));
          if (isOperationId(subject) && isOperation(textOf(type), subject)) found.conflict ??= subject;
        }
        break;
      case 'google.rpc.QuotaFailure':
      case 'yandex.cloud.quota.QuotaFailure':
        found.quotas = [...(found.quotas ?? []), ...violations(detail).map((violation) => JSON.stringify(violation))];
        break;
      case 'nebius.common.v1.ServiceError':
        addServiceError(found, detail);
    }
  }
  return found;
}

/** Whether the subject of a precondition is an operation, by its own name or by what the violation is called. */
function isOperation(type: string, subject: string): boolean {
  const isCalledSo = /^(?:(?:running|conflicting|pending)_)?operation(?:_(?:running|conflict|in_progress))?$/i.test(
    type,
  );
  return isCalledSo || /(?:^|\/)operations\/[^/]+$/.test(subject);
}

/** Its `retryType` says whether the call may be repeated; where it says nothing, the kind of the error does. */
function addServiceError(found: Told, { retryType, operationConflict, tooManyRequests, quotaFailure }: AnyJson): void {
  const { conflictingOperationId } = fieldsOf(operationConflict);
  if (isOperationId(conflictingOperationId)) found.conflict ??= conflictingOperationId;
  if (retryType === 'CALL' || tooManyRequests !== undefined) found.verdict ??= 'busy';
  if (retryType === 'UNIT_OF_WORK' || retryType === 'NOTHING') found.verdict ??= 'refused';
  if (quotaFailure !== undefined) {
    const quotas = violations(fieldsOf(quotaFailure)).map((violation) => JSON.stringify(violation));
    found.quotas = [...(found.quotas ?? []), ...quotas];
  }
}

function violations({ violations: given }: Record<string, unknown>): Record<string, unknown>[] {
  return Array.isArray(given) ? given.map(fieldsOf) : [];
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Codes about the request itself, which the cloud would have refused before as well. */
const REFUSES_ALWAYS: readonly string[] = [
  'INVALID_ARGUMENT',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
] satisfies StatusCodeName[];

/** Whether a start that is refused with that code has not been begun by an attempt before it either, whose reply was lost. */
export function refusesAlways(codeName: string): boolean {
  return REFUSES_ALWAYS.includes(codeName);
}
