import type { Cloud } from '../src/cloud/cloud';
import { isNotFound } from '../src/cloud/error';
import { decide, type PollOutcome } from './decide';
import type { Lease } from './lease';

/** Beyond so many leases in one process, waits are slept by activity retries instead. Some 2 kB each. */
export const MAXIMUM_LEASES = 10_000;

/**
 * Polls operations while their intervals are short, within the worker: no activity slot is held, and neither history
 * nor server are troubled. Waits of one operation share its polls.
 */
export class Watcher {
  readonly #watches = new Map<string, Watch>();
  readonly #random: () => number;
  #leases = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Takes a lease on; false when there are too many. */
  watch(cloud: Cloud, lease: Lease): boolean {
    if (this.#leases >= MAXIMUM_LEASES) return false;
    this.#leases++;
    const key = JSON.stringify([cloud.name, lease.input.operationId]);
    let watch = this.#watches.get(key);
    if (!watch) {
      watch = new Watch(cloud, lease.input.operationId, this.#random, (emptied) => {
        this.#leases--;
        if (emptied) this.#watches.delete(key);
      });
      this.#watches.set(key, watch);
    }
    watch.join(lease);
    return true;
  }

  /** Forgets what a workflow run watches of an operation, without a report: its workflow has gone on. */
  drop(cloud: string, operationId: string, runId: string | undefined): void {
    this.#watches.get(JSON.stringify([cloud, operationId]))?.drop(runId);
  }

  /** Gives every lease back to the server, so that another worker goes on at once. */
  async giveBackAll(): Promise<void> {
    await Promise.all([...this.#watches.values()].map((watch) => watch.giveBackAll()));
  }
}

/** The polls of one operation, for everyone here who waits for it. */
class Watch {
  readonly #leases = new Map<Lease, NodeJS.Timeout>();
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
    private readonly released: (emptied: boolean) => void,
  ) {}

  /** The first poll of a wait is at once, unless one is under way or has just been answered. */
  join(lease: Lease): void {
    const expiry = setTimeout(() => void this.#settle(lease, lease.giveBack(1)), lease.remainingMs);
    this.#leases.set(lease, expiry);
    if (this.#polling) return;
    const last = this.#last;
    const sinceLastMs = last ? performance.now() - last.at : Infinity;
    if (last && 'polled' in last.outcome && sinceLastMs < lease.input.schedule.initialIntervalMs) {
      this.#pollIn(this.#apply(lease, last.outcome, this.random()) - sinceLastMs);
    } else {
      void this.#poll();
    }
  }

  drop(runId: string | undefined): void {
    for (const lease of this.#leases.keys()) {
      if (!lease.isOf(runId)) continue;
      lease.drop();
      void this.#settle(lease, Promise.resolve());
    }
  }

  async giveBackAll(): Promise<void> {
    await Promise.all([...this.#leases.keys()].map((lease) => this.#settle(lease, lease.giveBack(1))));
  }

  /** Polls once and tells every lease; never rejects. */
  async #poll(): Promise<void> {
    clearTimeout(this.#timer);
    this.#nextAt = Infinity;
    const polling = new AbortController();
    this.#polling = polling;
    const outcome: PollOutcome = await this.cloud.get(this.operationId, polling.signal).then(
      (polled) => ({ polled }),
      (error: unknown) => ({ error }),
    );
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
    lease.notFound = 'error' in outcome && isNotFound(outcome.error) ? lease.notFound + 1 : 0;
    const decision = decide(lease.input, outcome, {
      ageMs: lease.ageMs,
      notFound: lease.notFound,
      random,
      registry: this.cloud.registry,
    });
    switch (decision.next) {
      case 'return':
        void this.#settle(lease, lease.complete(decision.result));
        return Infinity;
      case 'fail':
        void this.#settle(lease, lease.fail(decision.failure));
        return Infinity;
      case 'poll':
        lease.seen = decision.message;
        if (decision.intervalMs < lease.remainingMs) return decision.intervalMs;
        void this.#settle(lease, lease.giveBack(decision.intervalMs));
        return Infinity;
    }
  }

  #settle(lease: Lease, report: Promise<void>): Promise<void> {
    clearTimeout(this.#leases.get(lease));
    if (this.#leases.delete(lease)) {
      const emptied = this.#leases.size === 0;
      if (emptied) {
        clearTimeout(this.#timer);
        this.#polling?.abort();
      }
      this.released(emptied);
    }
    return report;
  }
}
