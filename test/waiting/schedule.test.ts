import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { drawPicture } from '../../bench/picture';
import { scheduled, seeded, simulateWait } from '../../bench/simulate';
import { resolveWaitOptions } from '../../src/model/options';
import { hintLimitMs, intervalAtAge, nextInterval, type PollSchedule } from '../../src/model/schedule';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const { schedule: defaults } = resolveWaitOptions();

/** Any schedule that options can make. */
const schedules: fc.Arbitrary<PollSchedule> = fc
  .record({
    initialIntervalMs: fc.integer({ min: 1, max: HOUR }),
    longer: fc.integer({ min: 0, max: DAY }),
    ageFraction: fc.double({ min: 0.001, max: 1, noNaN: true }),
    jitter: fc.double({ min: 0, max: 0.5, noNaN: true }),
  })
  .map(({ longer, ...schedule }) => ({ ...schedule, maximumIntervalMs: schedule.initialIntervalMs + longer }));
const ages = fc.double({ min: 0, max: 30 * DAY, noNaN: true });
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const hints = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 30 * DAY, noNaN: true }), fc.constant(Infinity));
/** From 10 ms to 30 days, each order of magnitude with the same probability. */
const lengths = fc
  .double({ min: Math.log(10), max: Math.log(30 * DAY), noNaN: true })
  .map((logarithm) => Math.round(Math.exp(logarithm)));

test('the interval is the given fraction of the age, between the initial and the maximum interval', () => {
  const at = (ageMs: number): number => intervalAtAge(defaults, ageMs);
  expect([0, 10 * SECOND, 20 * SECOND, 40 * SECOND, 10 * MINUTE, 100 * MINUTE, DAY].map(at)).toEqual([
    1 * SECOND,
    1 * SECOND,
    1 * SECOND,
    2 * SECOND,
    30 * SECOND,
    5 * MINUTE,
    5 * MINUTE,
  ]);
});

test('an interval before jitter never shrinks with age and stays between its bounds', () => {
  fc.assert(
    fc.property(schedules, ages, ages, (schedule, one, other) => {
      const [younger, older] = [Math.min(one, other), Math.max(one, other)];
      const interval = intervalAtAge(schedule, younger);
      expect(interval).toBeLessThanOrEqual(intervalAtAge(schedule, older));
      expect(interval).toBeGreaterThanOrEqual(schedule.initialIntervalMs);
      expect(interval).toBeLessThanOrEqual(schedule.maximumIntervalMs);
    }),
  );
});

test('jitter stays within its fraction, and every interval is a whole number of at least 1 ms', () => {
  fc.assert(
    fc.property(schedules, ages, randoms, (schedule, ageMs, random) => {
      const interval = nextInterval(schedule, ageMs, random);
      const exact = intervalAtAge(schedule, ageMs);
      expect(Number.isSafeInteger(interval)).toBe(true);
      expect(interval).toBeGreaterThanOrEqual(Math.max(1, Math.floor(exact * (1 - schedule.jitter))));
      expect(interval).toBeLessThanOrEqual(Math.max(1, Math.ceil(exact * (1 + schedule.jitter))));
    }),
  );
});

test('an interval is never shorter than a hint, up to four maximum intervals, and a hint never makes it shorter', () => {
  fc.assert(
    fc.property(schedules, ages, randoms, hints, (schedule, ageMs, random, hintMs) => {
      const interval = nextInterval(schedule, ageMs, random, hintMs);
      const limit = hintLimitMs(schedule);
      expect(limit).toBe(4 * schedule.maximumIntervalMs);
      expect(interval).toBeGreaterThanOrEqual(Math.floor(Math.min(hintMs, limit)));
      expect(interval).toBeGreaterThanOrEqual(nextInterval(schedule, ageMs, random));
      expect(interval).toBeLessThanOrEqual(limit);
    }),
  );
});

test('waits that were given the same hint do not poll at the same moment', () => {
  const random = seeded(1);
  const intervals = Array.from({ length: 100 }, () => nextInterval(defaults, 0, random(), MINUTE));
  expect(Math.min(...intervals)).toBeGreaterThanOrEqual(MINUTE);
  expect(Math.max(...intervals) - Math.min(...intervals)).toBeGreaterThan(10 * SECOND);
});

test('from 10 ms to 30 days a wait is late by at most 6.5 % of the length or 1.2 s, and never by more than 6 min', () => {
  fc.assert(
    fc.property(lengths, fc.integer(), (lengthMs, seed) => {
      const { latenessMs } = simulateWait(lengthMs, scheduled(defaults, seeded(seed)));
      expect(latenessMs).toBeLessThanOrEqual(Math.min(Math.max(1.2 * SECOND, 0.065 * lengthMs), 6 * MINUTE));
    }),
    { numRuns: 500 },
  );
});

test('the delay of any schedule is bounded by its options alone', () => {
  fc.assert(
    fc.property(schedules, ages, randoms, (schedule, ageMs, random) => {
      const { initialIntervalMs, ageFraction, maximumIntervalMs, jitter } = schedule;
      // An operation that ends right after this poll is seen by the next one, and is at least that old.
      const bound = Math.min(Math.max(initialIntervalMs, ageFraction * ageMs), maximumIntervalMs) * (1 + jitter);
      expect(nextInterval(schedule, ageMs, random)).toBeLessThanOrEqual(Math.max(1, Math.round(bound)));
    }),
  );
});

test.each([
  ['30 s', 30 * SECOND, 34],
  ['5 min', 5 * MINUTE, 90],
  ['1 h', HOUR, 140],
  ['24 h', DAY, 430],
  ['7 days', 7 * DAY, 2250],
  ['30 days', 30 * DAY, 9000],
])('a wait of %s is polled at most as often as documented, whatever the jitter', (_, lengthMs, maximum) => {
  const counts = Array.from(
    { length: 40 },
    (_, seed) => simulateWait(lengthMs, scheduled(defaults, seeded(seed))).polls,
  );
  expect(Math.max(...counts)).toBeLessThanOrEqual(maximum);
});

test('the number of polls grows logarithmically with the length until intervals reach their maximum', () => {
  const polls = (lengthMs: number): number =>
    simulateWait(
      lengthMs,
      scheduled(defaults, () => 0.5),
    ).polls;
  const perDoubling = [2, 4, 8, 16, 32, 64].map((n) => polls(n * MINUTE) - polls((n * MINUTE) / 2));
  expect(Math.max(...perDoubling) - Math.min(...perDoubling)).toBeLessThanOrEqual(1);
});

test('the picture in docs/waiting.md shows the actual schedule', () => {
  const picture = join(__dirname, '..', '..', '..', 'docs', 'images', 'waiting.svg');
  expect(readFileSync(picture, 'utf8')).toBe(drawPicture());
});
