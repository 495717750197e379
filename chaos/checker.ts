import { AFTERMATH_MS, allowanceMs, settleLimitMs } from './control';
import { losesReports, spoilsConnections } from './fault-log';
import type { RunHistory } from './history';
import { outcomeProblem } from './outcome';
import { pollBound } from './poll-bound';
import type { RunRecord, WaitRecord } from './record';

/**
 * The invariants.
 * - I1: every operation that ended resolves its wait exactly once, with its result, not before its end, and soon after a
 *   worker has seen the end
 * - I2: no Cancel is sent without a request, or after the end was seen
 * - I3: every start happens at most once
 * - I4: there is no poll storm
 * - I5: nothing is open 60 s after healing, and no workflow task fails
 */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5';

export interface Violation {
  invariant: Invariant;
  record: WaitRecord;
  text: string;
}

type Check = (record: WaitRecord, run: RunRecord) => string[];

const CHECKS: readonly [Invariant, Check][] = [
  ['I1', checkOutcome],
  ['I1', checkSeenEnds],
  ['I2', checkCancels],
  ['I3', checkStarts],
  ['I4', checkPolls],
  ['I5', checkEnded],
];

export function check(run: RunRecord): Violation[] {
  return run.waits.flatMap((record) =>
    CHECKS.flatMap(([invariant, violations]) => violations(record, run).map((text) => ({ invariant, record, text }))),
  );
}

function checkOutcome(record: WaitRecord): string[] {
  const problem = outcomeProblem(record);
  return problem === undefined ? [] : [problem];
}

/**
 * Within this time, a healthy worker reports an end that it has seen, and another healthy worker continues the wait.
 */
const TOLD_WITHIN_MS = 20_000;
function checkSeenEnds({ wait, run, calls }: WaitRecord, { faults, control, settledAtMs }: RunRecord): string[] {
  // A cancelled wait may end before its operation.
  if (!run || run.cancelRequestedAtMs !== undefined || wait.kind === 'handleCancel') return [];
  const endedAtMs = run.close?.atMs ?? settledAtMs;
  const late = calls.find(({ verb, done, answeredAtMs, answer, slot }) => {
    if (verb !== 'Get' || !done || answer !== 'OK' || answeredAtMs === undefined) return false;
    const limitMs = TOLD_WITHIN_MS + allowanceMs(control, answeredAtMs, answeredAtMs + TOLD_WITHIN_MS);
    if (endedAtMs <= answeredAtMs + limitMs) return false;
    return !faults.some(
      (fault) =>
        fault.fromMs <= answeredAtMs + limitMs &&
        fault.toMs >= answeredAtMs - AFTERMATH_MS &&
        (losesReports(fault) || (spoilsConnections(fault) && fault.slots.includes(slot))),
    );
  });
  if (!late) return [];
  return [
    `Worker ${late.slot + 1} was told at ${time(late.atMs)} that the operation has ended, and the wait had not ended ${TOLD_WITHIN_MS / 1000} s later, though nothing was in the way`,
  ];
}

/** How long a worker that hung or lost the server may still run an attempt that the server has timed out. */
const ATTEMPT_MS = 70_000;

function checkCancels({ wait, run, calls }: WaitRecord, { faults }: RunRecord): string[] {
  return calls
    .filter(({ verb }) => verb === 'Cancel')
    .flatMap((cancel) => {
      const { atMs, slot } = cancel;
      const isAsked = run?.cancelRequestedAtMs !== undefined || wait.kind === 'handleCancel';
      if (!isAsked) return [`Cancel was sent at ${time(atMs)}, though nobody had cancelled`];
      if (wait.options.cancellationType === 'ABANDON' && wait.kind !== 'handleCancel') {
        return [`Cancel was sent at ${time(atMs)}, though the wait abandons its operation`];
      }
      const seen = run?.activities.find(({ completed }) => completed?.isDone);
      const late = run?.activities.find(
        ({ type, decidedBy, scheduledAtMs }) =>
          type === 'operation.cancel' && seen?.completed && decidedBy > seen.completed.event && scheduledAtMs <= atMs,
      );
      if (late) return [`Cancel was sent at ${time(atMs)}, though the workflow had learnt the end before`];
      // The attempt that sends Cancel polls first, and the same worker makes no other polls of the operation then.
      const before = calls.slice(0, calls.indexOf(cancel));
      const last = before.findLast((call) => call.verb === 'Get' && call.slot === slot);
      if (!last?.done || last.answer !== 'OK' || last.answeredAtMs === undefined) return [];
      const hung = faults.some(
        (fault) => fault.fromMs <= atMs && fault.toMs >= atMs - ATTEMPT_MS && losesReports(fault),
      );
      if (hung) return [];
      return [
        `Cancel was sent at ${time(atMs)}, though the same worker had been told at ${time(last.answeredAtMs)} that the operation has ended`,
      ];
    });
}

function checkStarts({ wait, run, truths, calls }: WaitRecord): string[] {
  const keys = new Set(calls.flatMap(({ verb, key }) => (verb === 'Start' ? [key ?? 'none'] : [])));
  const problems: string[] = [];
  if (truths.length > 1)
    problems.push(`It has begun ${truths.length} operations: ${truths.map(({ id }) => id).join(', ')}`);
  if (keys.size > 1) problems.push(`Its attempts were marked by ${keys.size} idempotency keys`);
  const isDue = run?.close?.status === 'completed';
  if (isDue && truths.length === 0) problems.push(`It completed, but ${wait.name} was never begun`);
  return problems;
}

function checkPolls(record: WaitRecord, run: RunRecord): string[] {
  const polls = record.calls.filter(({ verb }) => verb === 'Get').length;
  const bound = pollBound(record, run);
  return polls <= bound
    ? []
    : [`It was polled ${polls} times; its schedule and the faults account for ${bound} at most`];
}

function checkEnded({ run, child }: WaitRecord, { faults, control, healedAtMs, settledAtMs }: RunRecord): string[] {
  if (!run) return ['Its workflow was never started'];
  const problems: string[] = [];
  const openMs = (run.close?.atMs ?? settledAtMs) - healedAtMs;
  if (!run.close || openMs > settleLimitMs(control, healedAtMs))
    problems.push(`It was open ${Math.round(openMs / 1000)} s after everything had healed`);
  for (const { workflowId, taskFailures } of [run, ...(child ? [child] : [])]) {
    const unexplained = taskFailures.filter((failure) => !wasSuspended(failure, faults));
    const [first] = taskFailures.length > TOLERATED_TASKS ? taskFailures : unexplained;
    if (first)
      problems.push(`${taskFailures.length} workflow tasks of ${workflowId} failed; the first by ${first.cause}`);
  }
  return problems;
}

/** How many failed tasks of one workflow are tolerated. A task that can never succeed fails over and over. */
const TOLERATED_TASKS = 2;
/** The SDK aborts workflow code that takes this long by the wall clock. */
const TASK_LIMIT_MS = 5_000;

/**
 * Whether the worker was suspended during a task, or the machine was so busy that the task timed out in the same way.
 */
function wasSuspended({ atMs, cause }: RunHistory['taskFailures'][number], faults: RunRecord['faults']): boolean {
  if (cause.includes('Script execution timed out')) return true;
  return faults.some(
    ({ kind, fromMs, toMs }) => kind === 'worker-stop' && fromMs <= atMs && toMs >= atMs - TASK_LIMIT_MS,
  );
}

function time(ms: number): string {
  return new Date(ms).toISOString().slice(11, 23);
}
