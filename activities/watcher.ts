import type { Cloud } from '../src/cloud/cloud';
import { decide, type PollOutcome } from '../src/cloud/decide';
import type { PollRecord } from '../src/model/evidence';
import type { Lease } from './lease';
import { countWatched, logPoll } from './observe';
import { outcomeOf } from './poll';

/** Beyond so many leases in one process, waits are slept by activity retries instead. Some 2 kB each. */
const MAXIMUM_LEASES = 10_000;
/** A cancellation may come while the report of its wait is in flight: so many waits are remembered after their leases. */
const MAXIMUM_REMEMBERED = 1_000;

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
  /** What the polls of waits had shown when their leases ended, the latest last. */
  readonly #remembered = new Map<string, PollRecord>();
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
      watch = new Watch(cloud, lease.input.operationId, this.#random, (ended, report, emptied) => {
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
   * Forgets what one wait of a workflow run watches, without a report: its workflow has gone on. Returns what its
   * polls have shown, where it was watched here.
   */
  drop(cloud: string, operationId: string, runId: string | undefined, wait: number): PollRecord | undefined {
    this.#watches.get(JSON.stringify([cloud, operationId]))?.drop(runId, wait);
    return this.#remembered.get(JSON.stringify([runId, wait]));
  }

  #remember({ input: { wait }, context, record }: Lease): void {
    const key = JSON.stringify([context.info.workflowExecution?.runId, wait]);
    this.#remembered.delete(key);
    this.#remembered.set(key, record);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > MAXIMUM_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
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
    private readonly released: (ended: Lease, report: Promise<void>, emptied: boolean) => void,
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
    const { ageMs, record: before } = lease;
    const { registry } = this.cloud;
    const { decision, record } = decide(lease.input, outcome, { ageMs, record: before, random, registry });
    lease.record = record;
    if ('polled' in outcome) lease.see(outcome.polled.operation);
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
    this.released(lease, report, emptied);
  }
}
