import { fieldsOf } from './check';
import type { PollVerdict } from './error-table';

/**
 * What the polls of one wait have shown so far. Plain JSON: leases, retries and continue-as-new carry it. Ages are
 * measured from the start of the wait, in milliseconds by Temporal's clock.
 */
export interface PollRecord {
  /** Whether this workflow started the operation, or a poll of this wait has returned it. */
  known: boolean;
  /** The number of failed polls since the last successful one. */
  failures: number;
  /** The age at which the cloud first answered a poll. Errors count as answers, except transient ones. */
  answeredAtMs?: number;
  /** Consecutive NOT_FOUND answers: their number and the age at the first one. */
  notFound?: { times: number; sinceMs: number };
  /** The age at the first of consecutive refusals. */
  refusedSinceMs?: number;
}

export const UNKNOWN_OPERATION: PollRecord = { known: false, failures: 0 };
/** The record of a wait whose workflow has started the operation or has seen it. */
export const KNOWN_OPERATION: PollRecord = { known: true, failures: 0 };

/** The record after a poll at age `ageMs`. `unserved`: the worker has no such cloud or method, so it cannot poll. */
export function recordOutcome(
  record: PollRecord,
  outcome: PollVerdict | 'succeeded' | 'unserved',
  ageMs: number,
): PollRecord {
  const answeredAtMs = record.answeredAtMs ?? ageMs;
  const failures = record.failures + 1;
  switch (outcome) {
    case 'succeeded':
      return { known: true, failures: 0, answeredAtMs };
    case 'transient':
      return { ...record, failures };
    case 'unknown': {
      const { times, sinceMs } = record.notFound ?? { times: 0, sinceMs: ageMs };
      return { known: record.known, failures, answeredAtMs, notFound: { times: times + 1, sinceMs } };
    }
    case 'refused':
      return { known: record.known, failures, answeredAtMs, refusedSinceMs: record.refusedSinceMs ?? ageMs };
    case 'unserved':
      return { ...record, failures, refusedSinceMs: record.refusedSinceMs ?? ageMs };
  }
}

/** NOT_FOUND is final after more than this many consecutive answers. The cloud's Go clients tolerate three too. */
const NOT_FOUND_GRACE = 3;
/** The NOT_FOUND answers must span this time: replicas of the cloud's database lag by seconds. */
const UNKNOWN_NOT_FOUND_SPAN_MS = 10_000;
/** The same for a known operation, which needs more evidence to be considered lost. */
const KNOWN_NOT_FOUND_SPAN_MS = 60_000;
/** A refusal this soon after the first answer means a wrong id, role or name, unless the operation is known. */
const YOUNG_MS = 60_000;

/** Whether NOT_FOUND is final: the operation has expired, belongs to another account or never existed. */
export function isNotFoundFinal({ known, notFound }: PollRecord, ageMs: number): boolean {
  if (!notFound || notFound.times <= NOT_FOUND_GRACE) return false;
  return ageMs - notFound.sinceMs >= (known ? KNOWN_NOT_FOUND_SPAN_MS : UNKNOWN_NOT_FOUND_SPAN_MS);
}

/**
 * Whether a refusal ends the wait. It does not for a known operation: polls worked before, so someone has to fix a
 * deployment or a key.
 */
export function isRefusalFinal({ known, answeredAtMs = Infinity }: PollRecord, ageMs: number): boolean {
  return !known && !(ageMs - answeredAtMs >= YOUNG_MS);
}

/** Whether two records differ in more than the number of failures, which only affects the backoff. */
export function isNewEvidence(before: PollRecord, after: PollRecord): boolean {
  const evidence = ({ known, answeredAtMs, notFound, refusedSinceMs }: PollRecord): string =>
    JSON.stringify([known, answeredAtMs, notFound?.times, notFound?.sinceMs, refusedSinceMs]);
  return evidence(before) !== evidence(after);
}

/** The record that an earlier attempt left in its heartbeat details; undefined for any other value. */
export function readPollRecord(details: unknown): PollRecord | undefined {
  return isPollRecord(details) ? details : undefined;
}

function isPollRecord(value: unknown): value is PollRecord {
  const { known, failures, answeredAtMs, refusedSinceMs, notFound } = fieldsOf(value);
  const isAge = (age: unknown): boolean => age === undefined || typeof age === 'number';
  if (typeof known !== 'boolean' || typeof failures !== 'number' || !isAge(answeredAtMs) || !isAge(refusedSinceMs)) {
    return false;
  }
  if (notFound === undefined) return true;
  const { times, sinceMs } = fieldsOf(notFound);
  return typeof times === 'number' && typeof sinceMs === 'number';
}
