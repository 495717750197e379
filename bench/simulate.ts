import type { PollSchedule } from '../src/model/schedule';
import { nextInterval } from '../src/model/schedule';

/** A simulated wait whose calls take no time: its number of polls, and how late it saw the operation's end. */
export interface SimulatedWait {
  polls: number;
  latenessMs: number;
}

/** Polls at once and then after each interval until the operation has ended. `interval` gets the age of the wait. */
export function simulateWait(lengthMs: number, interval: (ageMs: number) => number): SimulatedWait {
  let ageMs = 0;
  let polls = 1;
  for (; ageMs < lengthMs; polls++) ageMs += interval(ageMs);
  return { polls, latenessMs: ageMs - lengthMs };
}

/** The intervals of our schedule, with jitter from `random`. */
export function scheduled(schedule: PollSchedule, random: () => number): (ageMs: number) => number {
  return (ageMs) => nextInterval(schedule, ageMs, random());
}

/** Uniform in [0, 1), always the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
