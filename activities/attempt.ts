import type { Context } from '@temporalio/activity';

/** Frequent enough to notice a stalled process in time. The SDK throttles what it sends. */
const HEARTBEAT_INTERVAL_MS = 1_000;
/** An attempt sends no calls in this time before its end, so that earlier calls still reach the cloud in time. */
const MAXIMUM_MARGIN_MS = 1_000;
/** The longest delay that a Node.js timer takes. */
const MAXIMUM_TIMER_MS = 2 ** 31 - 1;

/**
 * One attempt of an activity that calls the cloud. It heartbeats until {@link end}, and so learns that it is cancelled
 * or over. The server reports the end of an attempt late or never, so the attempt also measures its own time with a
 * monotonic clock.
 */
export class Attempt {
  readonly #activity: Context;
  readonly #wanted = new AbortController();
  readonly #running = new AbortController();
  readonly #endsAt: number;
  readonly #heartbeats: NodeJS.Timeout;
  readonly #deadline: NodeJS.Timeout;
  #lastBeatAt = performance.now();
  #details: unknown;

  constructor(activity: Context) {
    this.#activity = activity;
    this.#details = activity.info.heartbeatDetails;
    const leftMs = remainingMs(activity);
    const endMs = leftMs - Math.min(leftMs / 10, MAXIMUM_MARGIN_MS);
    this.#endsAt = performance.now() + endMs;
    this.#deadline = setTimeout(() => this.#stop(), endMs);
    this.#heartbeats = setInterval(() => this.#heartbeat(), HEARTBEAT_INTERVAL_MS);
    activity.cancellationSignal.addEventListener('abort', this.#look);
    this.#look();
  }

  /** Aborts when the activity is cancelled, the attempt is over, or the worker stops. */
  get wanted(): AbortSignal {
    return this.#wanted.signal;
  }

  /** Aborts when the attempt is over or the worker stops. Use it for calls that take effect even when cancelled. */
  get running(): AbortSignal {
    return this.#running.signal;
  }

  /**
   * Whether the server may have started another attempt, for example because the process stalled. Check right before
   * each call: after a stall, replies may be handled before the timers fire.
   */
  get isOver(): boolean {
    const now = performance.now();
    const { heartbeatTimeoutMs = Infinity } = this.#activity.info;
    return this.#running.signal.aborted || now >= this.#endsAt || now - this.#lastBeatAt > heartbeatTimeoutMs / 2;
  }

  /** Leaves `details` for the next attempt, in its `heartbeatDetails`. */
  leave(details: unknown): void {
    this.#details = details;
    this.#activity.heartbeat(details);
  }

  end(): void {
    clearInterval(this.#heartbeats);
    clearTimeout(this.#deadline);
    this.#activity.cancellationSignal.removeEventListener('abort', this.#look);
  }

  #heartbeat(): void {
    if (this.isOver) this.#stop();
    this.#lastBeatAt = performance.now();
    this.#activity.heartbeat(this.#details);
    // The signal aborts only once, so look again for the end of the attempt.
    this.#look();
  }

  #stop(): void {
    this.#running.abort();
    this.#wanted.abort();
  }

  readonly #look = (): void => {
    const { cancellationSignal, cancellationDetails } = this.#activity;
    if (!cancellationSignal.aborted) return;
    const { cancelRequested, paused, reset, timedOut, notFound, workerShutdown } = cancellationDetails ?? {};
    if (cancelRequested) this.#wanted.abort();
    // No reason means that the worker is stopping.
    if (timedOut || notFound || workerShutdown || !(cancelRequested || paused || reset)) this.#stop();
  };
}

/** The time left for an attempt that has just begun. A timeout of 0 means no timeout. */
function remainingMs({ info }: Context): number {
  const { startToCloseTimeoutMs, scheduleToCloseTimeoutMs, scheduledTimestampMs } = info;
  const ageMs = info.currentAttemptScheduledTimestampMs - scheduledTimestampMs;
  const leftMs = (scheduleToCloseTimeoutMs || MAXIMUM_TIMER_MS) - ageMs;
  return Math.max(0, Math.min(startToCloseTimeoutMs || MAXIMUM_TIMER_MS, leftMs));
}
