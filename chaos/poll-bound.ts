import { durationMs } from '../src/model/check';
import { intervalAtAge, type PollSchedule } from '../src/model/schedule';
import { losesReports, spoilsConnections } from './fault-log';
import type { RunRecord, WaitRecord } from './record';

/** The schedule of the attempts of operation.cancel, each of which polls once. */
const CANCEL_ATTEMPTS: PollSchedule = {
  initialIntervalMs: 1_000,
  ageFraction: 0.1,
  maximumIntervalMs: 10_000,
  jitter: 0.2,
};
const JITTER = 0.2;
/** The defaults of WaitOptions that the plan does not change. */
const MAXIMUM_INTERVAL_MS = 300_000;
const LEASE_MS = 30_000;

/**
 * The maximum number of polls of a wait. It counts the polls of the schedule with the shortest jittered intervals,
 * restarted when the wait is cancelled, plus the attempts of operation.cancel. The sum is doubled, since a suspended or
 * disconnected worker continues a wait that another worker has taken over. Every lease adds a poll, and so does every
 * attempt lost to a fault. A poll storm exceeds the bound within seconds.
 */
export function pollBound({ wait, run }: WaitRecord, { faults, settledAtMs }: RunRecord): number {
  if (!run) return 0;
  const endMs = run.close?.atMs ?? settledAtMs;
  const { poll = {} } = wait.options;
  const schedule: PollSchedule = {
    initialIntervalMs: durationMs('poll.initialInterval', poll.initialInterval ?? 1_000),
    ageFraction: poll.ageFraction ?? 0.05,
    maximumIntervalMs: MAXIMUM_INTERVAL_MS,
    jitter: JITTER,
  };
  const lifeMs = endMs - run.startedAtMs;
  // This includes a cancellation by the workflow itself, which has no event.
  const cancelledAtMs = run.activities.find(({ type }) => type === 'operation.cancel')?.scheduledAtMs;
  const cancelledForMs = cancelledAtMs === undefined ? 0 : endMs - cancelledAtMs;
  const scheduled =
    pollsWithin(schedule, lifeMs) +
    pollsWithin(schedule, cancelledForMs) +
    pollsWithin(CANCEL_ATTEMPTS, cancelledForMs);
  const lost = faults.filter(
    (fault) =>
      fault.fromMs <= endMs && fault.toMs >= run.startedAtMs && (losesReports(fault) || spoilsConnections(fault)),
  );
  return 2 * scheduled + Math.ceil(lifeMs / LEASE_MS) + 2 * lost.length;
}

function pollsWithin(schedule: PollSchedule, forMs: number): number {
  let polls = 1;
  for (let ageMs = 0; ageMs < forMs; polls++) ageMs += intervalAtAge(schedule, ageMs) * (1 - schedule.jitter);
  return polls;
}
