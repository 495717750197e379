import { decide, type PollOutcome } from '../src/cloud/decide';
import type { PollRecord } from '../src/model/evidence';
import type { Lease } from './lease';
import { countWatched, logPoll } from './observe';
import type { PollResult, Served } from './subject';

/** The maximum number of leases in one process, some 2 kB each. Further waits sleep by activity retries instead. */
const MAXIMUM_LEASES = 10_000;
/** How many waits are remembered after their leases: a cancellation may arrive while the wait's report is in flight. */
const MAXIMUM_REMEMBERED = 1_000;

/**
 * Polls operations within the worker while their intervals are short. This holds no activity slot, and adds no history
 * events or server load. Waits for one operation share its polls.
 */
export class Watcher<P, R extends PollResult> {
  readonly #watches = new Map<string, Watch<P, R>>();
  readonly #random: () => number;
  readonly #maximumLeases: number;
  /** The reports in flight of ended leases. */
  readonly #reports = new Set<Promise<void>>();
  /** The evidence of waits when their leases ended, the latest last. */
  readonly #remembered = new Map<string, PollRecord>();
  #leases = 0;

  constructor(random: () => number, maximumLeases = MAXIMUM_LEASES) {
    this.#random = random;
    this.#maximumLeases = maximumLeases;
  }

  /** Begins to watch for a lease. Returns false if there are too many leases. */
  watch(served: Served<P>, lease: Lease<P, R>): boolean {
    if (this.#leases >= this.#maximumLeases) return false;
    this.#leases++;
    const { key } = served;
    let watch = this.#watches.get(key);
    if (!watch) {
      watch = new Watch(served, this.#random, (ended, report, emptied) => {
        this.#leases--;
        this.#remember(ended);
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
   * Drops the lease of one wait of a workflow run without a report, since its workflow has moved on. Returns the
   * evidence of its polls if the wait was watched here.
   */
  drop(group: string, runId: string | undefined, wait: number): PollRecord | undefined {
    for (const watch of this.#watches.values()) if (watch.served.group === group) watch.drop(runId, wait);
    return this.#remembered.get(JSON.stringify([runId, wait]));
  }

  #remember({ subject, context, record }: Lease<P, R>): void {
    const key = JSON.stringify([context.info.workflowExecution?.runId, subject.input.wait]);
    this.#remembered.delete(key);
    this.#remembered.set(key, record);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > MAXIMUM_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
  }

  /**
   * Gives every lease of a task queue back, so that another worker takes over at once. Resolves when all reports have
   * been sent.
   */
  async giveBackAll(taskQueue: string): Promise<void> {
    for (const watch of this.#watches.values()) watch.giveBackAll(taskQueue);
    await Promise.all(this.#reports);
  }
}

/** The polls of one operation or resource, shared by all its leases in this worker. */
class Watch<P, R extends PollResult> {
  readonly #leases = new Map<Lease<P, R>, { expiry: NodeJS.Timeout; unwatched: () => void }>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires, by a monotonic clock. */
  #nextAt = Infinity;
  #polling: AbortController | undefined;
  /** The last completed poll, and its time by a monotonic clock. */
  #last: { outcome: PollOutcome<P>; at: number } | undefined;

  constructor(
    readonly served: Served<P>,
    private readonly random: () => number,
    private readonly released: (ended: Lease<P, R>, report: Promise<void>, emptied: boolean) => void,
  ) {}

  /** Adds a lease. Polls at once, unless a poll is in flight or the last one is recent enough for this wait. */
  join(lease: Lease<P, R>): void {
    const expiry = setTimeout(() => this.#settle(lease, lease.giveBack(1)), lease.remainingMs);
    this.#leases.set(lease, { expiry, unwatched: countWatched(lease.subject.input.cloud, lease.context) });
    if (this.#polling) return;
    const last = this.#last;
    if (!last) return void this.#poll();
    const interval = this.#apply(lease, last.outcome, this.random());
    this.#pollIn(Math.max(0, interval - (performance.now() - last.at)));
  }

  drop(runId: string | undefined, wait: number): void {
    for (const lease of this.#leases.keys()) {
      if (!lease.isOf(runId, wait)) continue;
      lease.drop();
      this.#settle(lease, Promise.resolve());
    }
  }

  giveBackAll(taskQueue: string): void {
    for (const lease of this.#leases.keys()) {
      if (lease.context.info.taskQueue === taskQueue) this.#settle(lease, lease.giveBack(1));
    }
  }

  /** Polls once and applies the outcome to every lease. Never rejects. */
  async #poll(): Promise<void> {
    clearTimeout(this.#timer);
    this.#nextAt = Infinity;
    const polling = new AbortController();
    this.#polling = polling;
    const { served } = this;
    const asking = served.changesBack ? new Set(this.#leases.keys()) : undefined;
    const outcome = await served.poll(polling.signal);
    this.#polling = undefined;
    if (this.#leases.size === 0) return;
    // An answer that may have changed is of no use to a later lease, and may be large.
    if (!served.changesBack) this.#last = { outcome, at: performance.now() };
    // One random draw for all leases: with independent draws, the earliest of many would set the pace.
    const random = this.random();
    const intervals = [...this.#leases.keys()].map((lease) =>
      !asking || asking.has(lease) ? this.#apply(lease, outcome, random) : 0,
    );
    this.#pollIn(Math.min(...intervals));
  }

  /** Schedules the next poll, unless an earlier one is scheduled. */
  #pollIn(ms: number): void {
    const at = performance.now() + ms;
    if (this.#leases.size === 0 || at >= this.#nextAt) return;
    clearTimeout(this.#timer);
    this.#nextAt = at;
    this.#timer = setTimeout(() => void this.#poll(), ms);
  }

  /** Applies a poll to one lease. Returns the interval until its next poll; Infinity if the lease has ended. */
  #apply(lease: Lease<P, R>, outcome: PollOutcome<P>, random: number): number {
    const { ageMs, record: before } = lease;
    const { decision, record } = decide(lease.subject, outcome, { ageMs, record: before, random });
    lease.record = record;
    if ('polled' in outcome) lease.see(outcome.polled);
    logPoll(lease.context.log, lease.subject, outcome, decision);
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

  #settle(lease: Lease<P, R>, report: Promise<void>): void {
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
    this.released(lease, report, emptied);
  }
}
