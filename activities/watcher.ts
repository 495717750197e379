import type { Context, Info } from '@temporalio/activity';
import { ActivityNotFoundError } from '@temporalio/client';
import type { ActivitySerializationContext } from '@temporalio/common';
import type { Cloud } from '../src/cloud/cloud';
import { decide, type GetInput, type GetResult, type PollOutcome } from '../src/cloud/decide';
import { isNotFound } from '../src/cloud/error';
import { operationName } from '../src/model/texts';
import { countWatched, logPoll } from './observe';
import { outcomeOf, pollAgain } from './poll';

/** Beyond so many leases in one process, waits are slept by activity retries instead. Some 2 kB each. */
const MAXIMUM_LEASES = 10_000;

/**
 * Polls operations while their intervals are short, within the worker: no activity slot is held, and neither history
 * nor server are troubled. Waits of one operation share its polls.
 */
export class Watcher {
  readonly #watches = new Map<string, Watch>();
  readonly #random: () => number;
  readonly #maximumLeases: number;
  /** Under way, of leases that have ended. */
  readonly #reports = new Set<Promise<void>>();
  #leases = 0;

  constructor(random: () => number, maximumLeases = MAXIMUM_LEASES) {
    this.#random = random;
    this.#maximumLeases = maximumLeases;
  }

  /** Takes a lease on; false when there are too many. */
  watch(cloud: Cloud, lease: Lease): boolean {
    if (this.#leases >= this.#maximumLeases) return false;
    this.#leases++;
    const key = JSON.stringify([cloud.name, lease.input.operationId]);
    let watch = this.#watches.get(key);
    if (!watch) {
      watch = new Watch(cloud, lease.input.operationId, this.#random, (report, emptied) => {
        this.#leases--;
        if (emptied) this.#watches.delete(key);
        this.#reports.add(report);
        void report.then(() => this.#reports.delete(report));
      });
      this.#watches.set(key, watch);
    }
    watch.join(lease);
    return true;
  }

  /**
   * Forgets what one wait of a workflow run watches, without a report: its workflow has gone on. Returns whether a poll
   * has returned the operation meanwhile.
   */
  drop(cloud: string, operationId: string, runId: string | undefined, wait: number): boolean {
    return this.#watches.get(JSON.stringify([cloud, operationId]))?.drop(runId, wait) ?? false;
  }

  /**
   * Gives every lease of a task queue back, so that another worker goes on at once; resolves when the server has all that
   * have ended.
   */
  async giveBackAll(taskQueue: string): Promise<void> {
    for (const watch of this.#watches.values()) watch.giveBackAll(taskQueue);
    await Promise.all(this.#reports);
  }
}

/** The polls of one operation, for everyone here who waits for it. */
class Watch {
  readonly #leases = new Map<Lease, { expiry: NodeJS.Timeout; unwatched: () => void }>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires, by a monotonic clock. */
  #nextAt = Infinity;
  #polling: AbortController | undefined;
  /** The poll that came back last, and when, by a monotonic clock. */
  #last: { outcome: PollOutcome; at: number } | undefined;

  constructor(
    private readonly cloud: Cloud,
    private readonly operationId: string,
    private readonly random: () => number,
    private readonly released: (report: Promise<void>, emptied: boolean) => void,
  ) {}

  /** Polls at once, unless a poll is under way or the last one is as recent as this wait wants its polls. */
  join(lease: Lease): void {
    const expiry = setTimeout(() => this.#settle(lease, lease.giveBack(1)), lease.remainingMs);
    this.#leases.set(lease, { expiry, unwatched: countWatched(lease.input.cloud, lease.context) });
    if (this.#polling) return;
    const last = this.#last;
    if (!last) return void this.#poll();
    const interval = this.#apply(lease, last.outcome, this.random());
    this.#pollIn(Math.max(0, interval - (performance.now() - last.at)));
  }

  drop(runId: string | undefined, wait: number): boolean {
    const dropped = [...this.#leases.keys()].filter((lease) => lease.isOf(runId, wait));
    for (const lease of dropped) {
      lease.drop();
      this.#settle(lease, Promise.resolve());
    }
    return dropped.some(({ isKnown }) => isKnown);
  }

  giveBackAll(taskQueue: string): void {
    for (const lease of this.#leases.keys()) {
      if (lease.context.info.taskQueue === taskQueue) this.#settle(lease, lease.giveBack(1));
    }
  }

  /** Polls once and tells every lease; never rejects. */
  async #poll(): Promise<void> {
    clearTimeout(this.#timer);
    this.#nextAt = Infinity;
    const polling = new AbortController();
    this.#polling = polling;
    const outcome = await outcomeOf(this.cloud.get(this.operationId, polling.signal));
    this.#polling = undefined;
    if (this.#leases.size === 0) return;
    this.#last = { outcome, at: performance.now() };
    // One draw for all of them: independent ones would make the earliest of many set the pace.
    const random = this.random();
    const intervals = [...this.#leases.keys()].map((lease) => this.#apply(lease, outcome, random));
    this.#pollIn(Math.min(...intervals));
  }

  /** Sets the time of the next poll, unless an earlier one is set. */
  #pollIn(ms: number): void {
    const at = performance.now() + ms;
    if (this.#leases.size === 0 || at >= this.#nextAt) return;
    clearTimeout(this.#timer);
    this.#nextAt = at;
    this.#timer = setTimeout(() => void this.#poll(), ms);
  }

  /** Tells one lease of a poll; the interval after which it wants the next one, Infinity when it has ended. */
  #apply(lease: Lease, outcome: PollOutcome, random: number): number {
    const { failures, notFound } = lease.count(outcome);
    const decision = decide(lease.input, outcome, {
      ageMs: lease.ageMs,
      failures,
      notFound,
      random,
      registry: this.cloud.registry,
    });
    logPoll(lease.context.log, lease.input, outcome, decision);
    switch (decision.next) {
      case 'return':
        this.#settle(lease, lease.complete(decision.result));
        return Infinity;
      case 'fail':
        this.#settle(lease, lease.fail(decision.failure));
        return Infinity;
      case 'poll':
        lease.seen = decision.message;
        if (decision.intervalMs < lease.remainingMs) return decision.intervalMs;
        this.#settle(lease, lease.giveBack(decision.intervalMs));
        return Infinity;
    }
  }

  #settle(lease: Lease, report: Promise<void>): void {
    const held = this.#leases.get(lease);
    if (!held) return;
    this.#leases.delete(lease);
    clearTimeout(held.expiry);
    held.unwatched();
    const emptied = this.#leases.size === 0;
    if (emptied) {
      clearTimeout(this.#timer);
      this.#polling?.abort();
    }
    this.released(report, emptied);
  }
}

/** For so long one worker may watch an operation on behalf of one activity attempt. */
export const LEASE_MS = 30_000;
/** After a report has failed. */
const REPORT_AGAIN_MS = 1_000;

/**
 * One activity attempt that completes asynchronously: it holds no slot, and is reported by its token with the client of
 * its own context. Settles once; what comes later is ignored.
 */
export class Lease {
  readonly #beganAt = performance.now();
  readonly #ageAtBeginMs: number;
  #settled = false;
  #failures = 0;
  #notFound = 0;
  /** Whether a poll has returned the operation. */
  isKnown = false;
  /** What the last poll saw, for people who look at the pending activity. */
  seen: string;

  constructor(
    readonly input: GetInput,
    readonly context: Context,
  ) {
    this.seen = `${operationName(input.cloud, input.operationId)} is being polled`;
    this.#ageAtBeginMs = context.info.currentAttemptScheduledTimestampMs - input.startedAtMs;
  }

  /** The age of the wait: by Temporal's clock when the attempt was scheduled, by a monotonic one since. */
  get ageMs(): number {
    return this.#ageAtBeginMs + performance.now() - this.#beganAt;
  }

  get remainingMs(): number {
    return LEASE_MS - (performance.now() - this.#beganAt);
  }

  /** Counts a poll in; how many in a row have failed, and how many in a row found no operation. */
  count(outcome: PollOutcome): { failures: number; notFound: number } {
    this.#failures = 'error' in outcome ? this.#failures + 1 : 0;
    this.isKnown ||= 'polled' in outcome;
    this.#notFound = 'error' in outcome && isNotFound(outcome.error) ? this.#notFound + 1 : 0;
    return { failures: this.#failures, notFound: this.#notFound };
  }

  /** Whether this lease belongs to that wait of that workflow run. */
  isOf(runId: string | undefined, wait: number): boolean {
    return this.input.wait === wait && this.context.info.workflowExecution?.runId === runId;
  }

  complete(result: GetResult): Promise<void> {
    const { client, info } = this.context;
    return this.#report((options) => client.activity.complete(info.taskToken, result, options));
  }

  fail(failure: Error): Promise<void> {
    const { client, info } = this.context;
    return this.#report((options) => client.activity.fail(info.taskToken, failure, options));
  }

  /** Ends the attempt; the server hands the wait to some worker after `delayMs`. */
  giveBack(delayMs: number): Promise<void> {
    return this.fail(pollAgain(this.seen, delayMs));
  }

  /** Nothing will be reported: the attempt lapses. */
  drop(): void {
    this.#settled = true;
  }

  /** Tries until the server has it or the attempt has timed out, when the server goes on by itself. Never rejects. */
  async #report(
    send: (options: { serializationContext: ActivitySerializationContext }) => Promise<void>,
  ): Promise<void> {
    if (this.#settled) return;
    this.#settled = true;
    const { info, log } = this.context;
    for (;;) {
      try {
        return await send({ serializationContext: serializationContext(info) });
      } catch (err) {
        if (err instanceof ActivityNotFoundError) return;
        log.debug('Operation could not be reported to Temporal', { error: err });
        if (performance.now() - this.#beganAt + REPORT_AGAIN_MS > info.startToCloseTimeoutMs) return;
        // No reason for a process to stay: without the report the server goes on when the attempt has timed out.
        await new Promise((resolve) => setTimeout(resolve, REPORT_AGAIN_MS).unref());
      }
    }
  }
}

/** What the SDK passes to converters for an activity that returns; by token it passes nothing unless told. */
function serializationContext(info: Info): ActivitySerializationContext {
  const { namespace, activityId, isLocal, workflowExecution } = info;
  return {
    type: 'activity',
    namespace,
    activityId,
    isLocal,
    ...(workflowExecution && { workflowId: workflowExecution.workflowId }),
  };
}
