import type { Context } from '@temporalio/activity';

/** The SDK sends fewer of them. This often, a process that stands still is noticed in time. */
const HEARTBEAT_INTERVAL_MS = 1_000;
/** This long before its end, an attempt sends nothing more: what is sent before reaches the cloud in time. */
const MAXIMUM_MARGIN_MS = 1_000;
/** Timers of Node take no more. */
const MAXIMUM_TIMER_MS = 2 ** 31 - 1;

/**
 * One attempt of an activity that calls the cloud. It heartbeats until {@link end}, by which it learns that it is
 * cancelled or over. The server tells a worker late, or not at all, that an attempt is over, so this also goes by a
 * monotonic clock of the worker.
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

  /** Aborts when the activity is cancelled, when the attempt is over, and when its worker stops. */
  get wanted(): AbortSignal {
    return this.#wanted.signal;
  }

  /** Aborts when the attempt is over or its worker stops. A call that was sent has its effect even when it is cancelled. */
  get running(): AbortSignal {
    return this.#running.signal;
  }

  /**
   * Whether the server may have started another attempt, also because the process stood still. Ask right before a call,
   * since replies that came meanwhile may be handled before the timers.
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
    // A cancellation is signalled once, also where the attempt ends later.
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
    // Without a reason it is the worker that stops.
    if (timedOut || notFound || workerShutdown || !(cancelRequested || paused || reset)) this.#stop();
  };
}

/** Of an attempt that has just begun. A timeout of 0 is none. */
function remainingMs({ info }: Context): number {
  const { startToCloseTimeoutMs, scheduleToCloseTimeoutMs, scheduledTimestampMs } = info;
  const ageMs = info.currentAttemptScheduledTimestampMs - scheduledTimestampMs;
  const leftMs = (scheduleToCloseTimeoutMs || MAXIMUM_TIMER_MS) - ageMs;
  return Math.max(0, Math.min(startToCloseTimeoutMs || MAXIMUM_TIMER_MS, leftMs));
}
