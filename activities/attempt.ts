import type { Context } from '@temporalio/activity';

/** The SDK sends fewer of them. This often, a process that stands still is noticed in time. */
const HEARTBEAT_INTERVAL_MS = 1_000;
/** What is sent until then reaches the cloud while the attempt lasts. */
const MAXIMUM_MARGIN_MS = 1_000;

/**
 * One attempt of an activity, for which it heartbeats until {@link end}. The server tells a worker late, or not at all,
 * that an attempt is over, so this goes by a clock of the worker. A monotonic one: the server's may differ.
 */
export class Attempt {
  /** Aborts shortly before the attempt is over, and when the activity is cancelled or its worker stops. */
  readonly signal: AbortSignal;
  readonly #activity: Context;
  readonly #endsAt: number;
  readonly #heartbeats: NodeJS.Timeout;
  readonly #timer: NodeJS.Timeout;
  #lastBeatAt = performance.now();
  #details: unknown;

  constructor(activity: Context) {
    this.#activity = activity;
    this.#details = activity.info.heartbeatDetails;
    const leftMs = limitMs(activity);
    const endMs = leftMs - Math.min(leftMs / 10, MAXIMUM_MARGIN_MS);
    this.#endsAt = performance.now() + endMs;
    const ended = new AbortController();
    this.#timer = setTimeout(() => ended.abort(), endMs);
    this.signal = AbortSignal.any([activity.cancellationSignal, ended.signal]);
    this.#heartbeats = setInterval(() => {
      if (this.isOver) ended.abort();
      this.#lastBeatAt = performance.now();
      activity.heartbeat(this.#details);
    }, HEARTBEAT_INTERVAL_MS);
  }

  /**
   * Whether the server may have started another attempt: also because the process stood still. To be asked right before
   * a call, since replies that came meanwhile may be handled before the timers.
   */
  get isOver(): boolean {
    const now = performance.now();
    const { heartbeatTimeoutMs = Infinity } = this.#activity.info;
    return this.signal.aborted || now >= this.#endsAt || now - this.#lastBeatAt > heartbeatTimeoutMs / 2;
  }

  /** Leaves `details` for the next attempt, in its `heartbeatDetails`. */
  leave(details: unknown): void {
    this.#details = details;
    this.#activity.heartbeat(details);
  }

  end(): void {
    clearInterval(this.#heartbeats);
    clearTimeout(this.#timer);
  }
}

/** How long the attempt may last, from now on. */
function limitMs({ info }: Context): number {
  const { startToCloseTimeoutMs, scheduleToCloseTimeoutMs, scheduledTimestampMs } = info;
  const formerMs = info.currentAttemptScheduledTimestampMs - scheduledTimestampMs;
  return Math.min(startToCloseTimeoutMs, (scheduleToCloseTimeoutMs || Infinity) - formerMs);
}
