import type { Context } from '@temporalio/activity';
import type { ApplicationFailure } from '@temporalio/common';
import { isNewEvidence, type PollRecord } from '../src/model/evidence';
import { pollAgain } from './poll';
import { reportByToken, type Report } from './report';
import type { PollResult, Subject } from './subject';

/** How long one worker may watch an operation for one activity attempt. */
const LEASE_MS = 30_000;

/**
 * One activity attempt that completes asynchronously. It holds no slot, and reports its end by its task token with the
 * client of its own context. It settles once; later ends are ignored.
 */
export class Lease<P, R extends PollResult> {
  readonly #beganAt = performance.now();
  readonly #ageAtBeginMs: number;
  #settled = false;
  /** The evidence of the wait's polls so far. */
  record: PollRecord;
  /** The result of the last poll, for people who inspect the pending activity. */
  seen: string;
  #withSeen: ((result: R) => R) | undefined;

  constructor(
    readonly subject: Subject<P, R>,
    readonly context: Context,
    /** The evidence when the attempt began. */
    readonly before: PollRecord,
  ) {
    this.record = before;
    this.seen = `${subject.name} is being polled`;
    this.#ageAtBeginMs = context.info.currentAttemptScheduledTimestampMs - subject.input.startedAtMs;
  }

  /** The age of the wait: by Temporal's clock until the attempt was scheduled, by a monotonic clock since then. */
  get ageMs(): number {
    return this.#ageAtBeginMs + performance.now() - this.#beganAt;
  }

  get remainingMs(): number {
    return LEASE_MS - (performance.now() - this.#beganAt);
  }

  /** Whether this lease belongs to the given wait of the given workflow run. */
  isOf(runId: string | undefined, wait: number): boolean {
    return this.subject.input.wait === wait && this.context.info.workflowExecution?.runId === runId;
  }

  /** Remembers an answer, so that a later refusal can report it. */
  see(polled: P): void {
    this.#withSeen = this.subject.withSeen(polled, Math.round(this.subject.input.startedAtMs + this.ageMs));
  }

  complete(result: R): Promise<void> {
    return this.#report({ result: (result.refused && this.#withSeen?.(result)) ?? result });
  }

  fail(failure: ApplicationFailure): Promise<void> {
    return this.#report({ failure });
  }

  /** Ends the attempt. The server dispatches the wait to any worker after `delayMs`. */
  giveBack(delayMs: number): Promise<void> {
    const { before, record } = this;
    const failure = pollAgain(this.seen, delayMs);
    return this.#report(isNewEvidence(before, record) ? { failure, record } : { failure });
  }

  /** Settles without a report: the attempt expires. */
  drop(): void {
    this.#settled = true;
  }

  /** Resolves when the server has the report, or will continue without it. */
  async #report(report: Report<R>): Promise<void> {
    if (this.#settled) return;
    this.#settled = true;
    const { startToCloseTimeoutMs } = this.context.info;
    const remainingMs = (): number => startToCloseTimeoutMs - (performance.now() - this.#beganAt);
    await reportByToken(this.context, this.subject, report, remainingMs);
  }
}
