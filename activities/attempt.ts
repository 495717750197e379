import type { Context } from '@temporalio/activity';

/** A lost worker is noticed within the heartbeat timeout; an attempt that is quicker than this sends none. */
const HEARTBEAT_INTERVAL_MS = 2_000;
/** What is left of the time of an attempt tells the server how it ended. */
const USABLE_SHARE = 0.95;

/** What ends the call that an attempt makes. */
export interface AttemptSignals {
  /** Aborts when nobody wants the call any more, too: for as long as it has not been sent. */
  wanted: AbortSignal;
  /** Aborts when the attempt is over or its worker stops, and not before: a call that was sent has its effect all the same. */
  running: AbortSignal;
}

/** Runs `work` while the attempt sends heartbeats, by which it learns that it is cancelled or over. */
export async function withSignals<T>(activity: Context, work: (signals: AttemptSignals) => Promise<T>): Promise<T> {
  const [wanted, running] = [new AbortController(), new AbortController()];
  const end = (): void => {
    running.abort();
    wanted.abort();
  };
  const look = (): void => {
    if (!activity.cancellationSignal.aborted) return;
    const { cancelRequested, paused, reset, timedOut, notFound, workerShutdown } = activity.cancellationDetails ?? {};
    if (cancelRequested) wanted.abort();
    // Without a reason it is the worker that stops.
    if (timedOut || notFound || workerShutdown || !(cancelRequested || paused || reset)) end();
  };
  // A cancellation is signalled once, also where the attempt ends later.
  const heartbeats = setInterval(() => {
    activity.heartbeat();
    look();
  }, HEARTBEAT_INTERVAL_MS);
  const deadline = setTimeout(end, USABLE_SHARE * remainingMs(activity));
  activity.cancellationSignal.addEventListener('abort', look);
  try {
    look();
    return await work({ wanted: wanted.signal, running: running.signal });
  } finally {
    clearInterval(heartbeats);
    clearTimeout(deadline);
    activity.cancellationSignal.removeEventListener('abort', look);
  }
}

/** Timers of Node take no more. */
const MAXIMUM_TIMER_MS = 2 ** 31 - 1;

/** Of an attempt that has just begun. A timeout of 0 is none. */
function remainingMs({ info }: Context): number {
  const { startToCloseTimeoutMs, scheduleToCloseTimeoutMs, scheduledTimestampMs } = info;
  const ageMs = info.currentAttemptScheduledTimestampMs - scheduledTimestampMs;
  const leftMs = (scheduleToCloseTimeoutMs || MAXIMUM_TIMER_MS) - ageMs;
  return Math.max(0, Math.min(startToCloseTimeoutMs || MAXIMUM_TIMER_MS, leftMs));
}
