import { inspect } from 'node:util';
import type { Violation } from './checker';
import { AFTERMATH_MS } from './control';
import type { LoggedFault } from './fault-log';
import { FAULT_KINDS, WAIT_KINDS } from './plan';
import type { RunRecord, WaitRecord } from './record';

/** How long before the begin of a wait a fault may still affect it. */
const NEAR_MS = 10_000;

/** A completed run. */
export interface Judged {
  record: RunRecord;
  violations: Violation[];
}

/** A table of several runs in Markdown. */
export function table(runs: readonly Judged[]): string {
  const row = (cells: (string | number)[]): string => `| ${cells.join(' | ')} |`;
  const polls = ({ waits }: RunRecord): number =>
    waits.flatMap(({ calls }) => calls).filter(({ verb }) => verb === 'Get').length;
  const cells = ({ record, violations }: Judged): number[] => [
    record.waits.length,
    record.faults.length,
    polls(record),
    violations.length,
  ];
  const sorted = [...runs].sort((a, b) => a.record.plan.seed - b.record.plan.seed);
  const totals = sorted
    .map(cells)
    .reduce((sum, of) => sum.map((value, index) => value + (of[index] ?? 0)), [0, 0, 0, 0]);
  const [waits = 0, , , violations] = totals;
  return [
    row(['seed', 'waits', 'faults', 'polls', 'violations']),
    row(['---', '---', '---', '---', '---']),
    ...sorted.map((judged) => row([judged.record.plan.seed, ...cells(judged)])),
    row(['all', ...totals]),
    '',
    `Faults: ${faultsText(sorted.flatMap(({ record }) => record.faults))}.`,
    // The rule of three: n trials without a failure bound its probability by 3/n at 95 % confidence.
    ...(violations === 0 ? ['', `At 95 % confidence, less than one wait in ${Math.floor(waits / 3)} is lost.`] : []),
  ].join('\n');
}

/** A summary of a run for people. */
export function summary(run: RunRecord, violations: readonly Violation[]): string {
  const { plan, waits, beganAtMs, healedAtMs, settledAtMs, crashes } = run;
  const calls = waits.flatMap((wait) => wait.calls);
  const callsOf = (verb: string): number => calls.filter((call) => call.verb === verb).length;
  const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
  const open = waits.flatMap(({ run: history }) => (history?.close ? [history.close.atMs] : []));
  return [
    `Seed ${plan.seed}: ${waits.length} waits, ${run.faults.length} faults, ${violations.length} violations`,
    `  waits      ${counted(WAIT_KINDS.map((kind) => [kind, waits.filter(({ wait }) => wait.kind === kind).length]))}`,
    `  outcomes   ${counted(occurrences(waits.map(outcomeOf)))}`,
    `  faults     ${faultsText(run.faults)}`,
    `  calls      ${callsOf('Get')} polls, ${callsOf('Start')} starts, ${callsOf('Cancel')} cancels`,
    `  time       healed after ${seconds(healedAtMs - beganAtMs)}, the last wait ended ${seconds(Math.max(healedAtMs, ...open) - healedAtMs)} later, all over after ${seconds(settledAtMs - beganAtMs)}`,
    `  machine    a workflow that does nothing took ${slowestMs(run)} ms at most, once everything had healed`,
    ...(crashes > 0 ? [`  crashes    ${crashes} worker processes ended by themselves`] : []),
  ].join('\n');
}

function slowestMs({ control, healedAtMs }: RunRecord): number {
  const healed = control.filter(({ fromMs }) => fromMs >= healedAtMs + AFTERMATH_MS);
  return Math.max(0, ...healed.map(({ fromMs, toMs }) => toMs - fromMs));
}

function faultsText(faults: readonly LoggedFault[]): string {
  return counted(FAULT_KINDS.map((kind) => [kind, faults.filter((fault) => fault.kind === kind).length]));
}

function counted(counts: Iterable<readonly [string, number]>): string {
  return [...counts]
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}

function occurrences(names: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function outcomeOf({ run }: WaitRecord): string {
  const close = run?.close;
  if (!close) return 'open';
  return close.failure?.type ?? close.status;
}

/** Everything recorded about a wait that violates an invariant. */
export function story({ invariant, record, text }: Violation, { plan, faults }: RunRecord): string {
  const { wait, run, child, truths, calls } = record;
  const fromMs = (run?.startedAtMs ?? 0) - NEAR_MS;
  const toMs = run?.close?.atMs ?? Infinity;
  const lines = [
    ...calls.map(
      ({ atMs, verb, slot, answer, done, key, answeredAtMs }) =>
        `${iso(atMs)} cloud: ${verb} of worker ${slot + 1}${key === undefined ? '' : `, key ${key}`}: ${answer ?? 'no answer'}${done ? ', done' : ''}${answeredAtMs === undefined ? ', its caller had gone' : ''}`,
    ),
    ...faults
      .filter((fault) => fault.fromMs <= toMs && fault.toMs >= fromMs)
      .map((fault) => `${iso(fault.fromMs)} fault: ${fault.what}, until ${iso(fault.toMs)}`),
    ...truths.map(
      ({ id, endsAtMs, error }) =>
        `${iso(endsAtMs)} truth: ${id} ${error ? `failed with code ${error.code}` : 'succeeded'}`,
    ),
    ...(run?.lines ?? []),
    ...(child?.lines.map((line) => `${line} (child)`) ?? []),
  ].sort();
  return [
    `${invariant} is violated by ${wait.name} (${[wait.kind, wait.hostileEnd].filter(Boolean).join(', ')}) of seed ${plan.seed}: ${text}`,
    `  plan: ${inspect(wait, { depth: Infinity, breakLength: 160 }).replaceAll('\n', '\n  ')}`,
    ...lines.map((line) => `  ${line}`),
  ].join('\n');
}

function iso(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : 'the end of the run';
}
