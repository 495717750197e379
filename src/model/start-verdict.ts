import { pollVerdict, retryDelayMs } from './error-table';
import { fieldsOf } from './check';
import { isOperationId } from './options';
import type { AnyJson, StatusCodeName } from './snapshot';
import { idIn, COMMON_REFUSALS, matches, type StartRefusals } from './start-refusals';

/**
 * What an error of a start means.
 * - `unknown`: the cloud may have started the operation, since it did not answer itself. Retry with the same key.
 * - `busy`: nothing was started; a later attempt may succeed. Back off and retry.
 * - `conflict`: nothing was started; another operation holds the resource. Wait for it, then retry.
 * - `refused`: nothing was started, and retrying will not help.
 */
type StartVerdict =
  { verdict: 'unknown' | 'busy' | 'refused' } | { verdict: 'conflict'; conflictingOperationId: string };

/** The parts of an error that the verdict depends on. */
export interface StartError {
  codeName: string;
  message: string;
  details: readonly AnyJson[];
  /** Whether the request never reached the cloud. */
  neverSent: boolean;
}

/** Codes of errors in transit or within the cloud, after which the operation may or may not have been started. */
const TROUBLE: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'INTERNAL',
  'UNAVAILABLE',
] satisfies StatusCodeName[];

/** Codes that clouds use when another operation on the resource is in progress. */
const IN_PROGRESS: readonly string[] = ['FAILED_PRECONDITION', 'ABORTED', 'ALREADY_EXISTS'] satisfies StatusCodeName[];

/** Values of `google.rpc.ErrorInfo.reason`; other values add nothing to the text. */
const REASONS: Readonly<Record<string, { verdict: 'busy' | 'refused'; reason: string }>> = {
  RATE_LIMIT_EXCEEDED: { verdict: 'busy', reason: 'google.api.ErrorReason: not enough rate quota' },
  CONCURRENT_OPERATIONS_QUOTA_EXCEEDED: { verdict: 'busy', reason: 'Compute Engine: other operations end' },
  RESOURCE_QUOTA_EXCEEDED: { verdict: 'refused', reason: 'google.api.ErrorReason: not enough resource quota' },
};

/** What the details of an error say. */
interface Told {
  /** Set if the details say whether the call may be retried. */
  verdict?: 'busy' | 'refused';
  /** The id of the conflicting operation. */
  conflict?: string;
  /** The descriptions of violated preconditions. */
  preconditions: string[];
  /** The violations of exceeded quotas, as JSON; undefined if no detail is about quotas. */
  quotas?: string[];
}

/**
 * What an error of a start means. RESOURCE_EXHAUSTED without further information is `busy`: retrying in vain costs at
 * most `startTimeout`, while treating a rate limit as a refusal would fail the workflow.
 */
export function startVerdict(error: StartError, refusals: StartRefusals = COMMON_REFUSALS): StartVerdict {
  const { codeName, message, details, neverSent } = error;
  if (neverSent) return { verdict: pollVerdict(codeName) === 'transient' ? 'busy' : 'refused' };
  const conflictingOperationId = idIn(refusals.namesConflict, message);
  if (conflictingOperationId !== undefined) return { verdict: 'conflict', conflictingOperationId };
  if (TROUBLE.includes(codeName)) return { verdict: 'unknown' };
  if (IN_PROGRESS.includes(codeName)) return inProgressVerdict(codeName, message, told(details, refusals), refusals);
  return {
    verdict:
      codeName === 'RESOURCE_EXHAUSTED' ? exhaustedVerdict(message, told(details, refusals), refusals) : 'refused',
  };
}

function inProgressVerdict(
  codeName: string,
  message: string,
  { verdict, conflict, preconditions }: Told,
  { namesConflict, namesOperation, saysInProgress }: StartRefusals,
): StartVerdict {
  const texts = [message, ...preconditions];
  const tables = [namesConflict, namesOperation];
  const named = tables.flatMap((table) => texts.map((text) => idIn(table, text)));
  const conflictingOperationId = conflict ?? named.find((id) => id !== undefined);
  if (conflictingOperationId !== undefined) return { verdict: 'conflict', conflictingOperationId };
  // A text may match without naming a valid id.
  const says = (text: string): boolean => [saysInProgress, ...tables].some((table) => matches(table, text));
  const passes = codeName === 'ABORTED' || texts.some(says);
  return { verdict: verdict ?? (passes ? 'busy' : 'refused') };
}

function exhaustedVerdict(
  message: string,
  { verdict, quotas }: Told,
  { freesItself, needsSomebody }: StartRefusals,
): 'busy' | 'refused' {
  if (verdict) return verdict;
  if (quotas && quotas.length > 0) return quotas.every((quota) => matches(freesItself, quota)) ? 'busy' : 'refused';
  if (matches(freesItself, message)) return 'busy';
  return quotas || matches(needsSomebody, message) ? 'refused' : 'busy';
}

function told(details: readonly AnyJson[], refusals: StartRefusals): Told {
  const found: Told = { preconditions: [] };
  if (retryDelayMs(details) > 0) found.verdict = 'busy';
  for (const detail of details) {
    const type = detail['@type'].slice(detail['@type'].lastIndexOf('/') + 1);
    const { verdict, conflict, quotas } = refusals.details[type]?.(detail) ?? {};
    if (verdict) found.verdict ??= verdict;
    if (isOperationId(conflict)) found.conflict ??= conflict;
    if (quotas) addQuotas(found, quotas);
    switch (type) {
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
        addQuotas(found, violations(detail));
    }
  }
  return found;
}

/** Whether the subject of a precondition violation is an operation, by the subject's name or the violation's type. */
function isOperation(type: string, subject: string): boolean {
  const isCalledSo = /^(?:(?:running|conflicting|pending)_)?operation(?:_(?:running|conflict|in_progress))?$/i.test(
    type,
  );
  return isCalledSo || /(?:^|\/)operations\/[^/]+$/.test(subject);
}

function addQuotas(found: Told, quotas: readonly unknown[]): void {
  found.quotas = [...(found.quotas ?? []), ...quotas.map((violation) => JSON.stringify(violation))];
}

/** The `violations` of a detail. */
export function violations({ violations: given }: Record<string, unknown>): Record<string, unknown>[] {
  return Array.isArray(given) ? given.map(fieldsOf) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Codes about the request itself: the cloud refuses every attempt with it. */
const REFUSES_ALWAYS: readonly string[] = [
  'INVALID_ARGUMENT',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
] satisfies StatusCodeName[];

/**
 * Whether a refusal with this code means that no earlier attempt, whose reply was lost, started the operation either.
 */
export function refusesAlways(codeName: string): boolean {
  return REFUSES_ALWAYS.includes(codeName);
}
