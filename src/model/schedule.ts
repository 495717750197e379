/** How long to wait between polls. All durations in milliseconds. */
export interface PollSchedule {
  initialIntervalMs: number;
  /** The interval grows with the age of the wait: this share of it. */
  ageFraction: number;
  maximumIntervalMs: number;
  /** Each interval is spread by ± this share, so that waits do not march in step. */
  jitter: number;
}

/** A hint of the server may stretch an interval to at most this many maximum intervals. */
const HINT_LIMIT = 4;

/** The longest interval that a hint can make: hours asked for in error must not stall a wait. */
export function hintLimitMs({ maximumIntervalMs }: PollSchedule): number {
  return HINT_LIMIT * maximumIntervalMs;
}

/** Intervals below this are slept in the worker (or by activity retries), longer ones on the server. */
export const WATCH_BELOW_MS = 5_000;

/** The interval after a poll of a wait that is `ageMs` old, before jitter: the age's fraction within the bounds. */
export function intervalAtAge(schedule: PollSchedule, ageMs: number): number {
  const { initialIntervalMs, ageFraction, maximumIntervalMs } = schedule;
  return Math.min(Math.max(initialIntervalMs, ageFraction * Math.max(0, ageMs)), maximumIntervalMs);
}

/**
 * The time from a poll to the next one, in whole milliseconds, at least 1. `random` is uniform in [0, 1); `hintMs` is
 * what the server asked for. A hint is jittered upwards only, since it is never undercut, up to its limit: many who got
 * the same one must not come back together.
 */
export function nextInterval(schedule: PollSchedule, ageMs: number, random: number, hintMs = 0): number {
  const { jitter } = schedule;
  const jittered = intervalAtAge(schedule, ageMs) * (1 + jitter * (2 * random - 1));
  const hint = Math.min(hintMs * (1 + jitter * random), hintLimitMs(schedule));
  return Math.max(1, Math.round(Math.max(jittered, hint)));
}

/** Between the attempts of a start: a quarter of the time that it has taken, from a second to a minute. */
export const START_SCHEDULE: PollSchedule = {
  initialIntervalMs: 1_000,
  ageFraction: 0.25,
  maximumIntervalMs: 60_000,
  jitter: 0.2,
};
