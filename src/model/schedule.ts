/** The schedule of polls. All durations are in milliseconds. */
export interface PollSchedule {
  initialIntervalMs: number;
  /** The interval is this share of the age of the wait. */
  ageFraction: number;
  maximumIntervalMs: number;
  /** Each interval varies randomly by ± this share, so that waits do not poll in step. */
  jitter: number;
}

/** A server hint may extend an interval to at most this many times the maximum interval. */
const HINT_LIMIT = 4;

/** The longest interval that a hint can cause: a mistaken hint of hours must not stall a wait. */
export function hintLimitMs({ maximumIntervalMs }: PollSchedule): number {
  return HINT_LIMIT * maximumIntervalMs;
}

/** The worker (or activity retries) sleeps through shorter intervals; longer ones are timers on the server. */
export const WATCH_BELOW_MS = 5_000;

/** The interval after a poll at age `ageMs`, before jitter: `ageFraction` of the age, within the bounds. */
export function intervalAtAge(schedule: PollSchedule, ageMs: number): number {
  const { initialIntervalMs, ageFraction, maximumIntervalMs } = schedule;
  return Math.min(Math.max(initialIntervalMs, ageFraction * Math.max(0, ageMs)), maximumIntervalMs);
}

/**
 * The time until the next poll, in whole milliseconds, at least 1. `random` is uniform in [0, 1); `hintMs` is the wait
 * that the server asked for. Jitter only lengthens a hint, up to its limit: a poll must not come earlier than the
 * server asked, and waits with the same hint must not poll together.
 */
export function nextInterval(schedule: PollSchedule, ageMs: number, random: number, hintMs = 0): number {
  const { jitter } = schedule;
  const jittered = intervalAtAge(schedule, ageMs) * (1 + jitter * (2 * random - 1));
  const hint = Math.min(hintMs * (1 + jitter * random), hintLimitMs(schedule));
  return Math.max(1, Math.round(Math.max(jittered, hint)));
}

/** Between attempts to start: a quarter of the time since the first attempt, between 1 s and 1 min. */
export const START_SCHEDULE: PollSchedule = {
  initialIntervalMs: 1_000,
  ageFraction: 0.25,
  maximumIntervalMs: 60_000,
  jitter: 0.2,
};
