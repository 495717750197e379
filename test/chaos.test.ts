import { readFileSync } from 'node:fs';
import { parseArguments } from '../chaos/arguments';
import { check, type Invariant } from '../chaos/checker';
import type { RecordedCall } from '../chaos/cloud';
import { DEFECTS } from '../chaos/defects/defects';
import type { RunHistory } from '../chaos/history';
import { drawPlan, FAULT_KINDS, WAIT_KINDS, type WaitPlan } from '../chaos/plan';
import type { RunRecord, WaitRecord } from '../chaos/record';

// Tests pure functions. The chaos run itself is `npm run chaos`; `npm run chaos:defects` shows what it detects.

/** The seeds in .ci/run. */
const SEEDS = [1, 2, 3];
const page = readFileSync('docs/reliability.md', 'utf8');

describe('a plan', () => {
  test('is the same for the same seed, and differs for another seed', () => {
    expect(drawPlan(1, 1, FAULT_KINDS)).toEqual(drawPlan(1, 1, FAULT_KINDS));
    expect(drawPlan(1, 1, FAULT_KINDS).faults).not.toEqual(drawPlan(2, 1, FAULT_KINDS).faults);
  });

  test.each(SEEDS)('of one minute, with seed %i, has faults and waits of every kind', (seed) => {
    const { faults, waits, faultyMs } = drawPlan(seed, 1, FAULT_KINDS);
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(FAULT_KINDS));
    expect(new Set(waits.map(({ kind }) => kind))).toEqual(new Set(WAIT_KINDS));
    expect(waits.length).toBeGreaterThanOrEqual(250);
    for (const { atMs, forMs } of faults) expect(atMs + forMs).toBeLessThanOrEqual(faultyMs);
  });

  test('contains the requested kinds of faults, and no others', () => {
    const { faults, waits } = drawPlan(1, 1, ['worker-kill', 'errors']);
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(['worker-kill', 'errors']));
    expect(waits.filter(({ hostileEnd }) => hostileEnd)).toEqual([]);
  });
});

test('the arguments are seeds, minutes and kinds of faults; an invalid argument is named', () => {
  expect(parseArguments(['--seeds', '1-3,7', '--minutes', '0.5', '--faults', 'errors'])).toEqual({
    seeds: [1, 2, 3, 7],
    minutes: 0.5,
    kinds: ['errors'],
  });
  expect(() => parseArguments(['--faults', 'earthquake'])).toThrow('--faults names "earthquake"');
  expect(() => parseArguments(['--minutes', 'two'])).toThrow('--minutes is "two"');
});

test('docs/reliability.md lists every kind of fault and every defect', () => {
  for (const kind of FAULT_KINDS) expect(page).toContain(`\`${kind}\``);
  for (const { name, violates } of DEFECTS) expect(page).toMatch(new RegExp(`\\| ${name} +\\| ${violates}`));
});

describe('the checker', () => {
  const wait: WaitPlan = {
    name: 'chaos-1-1',
    atMs: 0,
    kind: 'execute',
    script: { after: 5_000, response: { '@type': 'fakecloud.v1.Cluster', id: 'chaos-1-1' } },
    options: { poll: { initialInterval: '1 s' }, cancellationType: 'WAIT_CANCELLATION_COMPLETED' },
  };
  const call = (verb: RecordedCall['verb'], atMs: number, more: Partial<RecordedCall> = {}): RecordedCall => ({
    ...{ verb, slot: 0, name: wait.name, atMs, answeredAtMs: atMs + 1, answer: 'OK', done: atMs >= 6_000 },
    ...(verb === 'Start' && { key: 'key' }),
    ...more,
  });
  const history: RunHistory = {
    workflowId: wait.name,
    startedAtMs: 1_000,
    close: { status: 'completed', atMs: 6_100, result: { id: wait.name } },
    hadBegunWhenCancelled: false,
    activities: [],
    taskFailures: [],
    lines: [],
  };
  const good: WaitRecord = {
    wait,
    run: history,
    truths: [{ id: 'operation', endsAtMs: 6_000 }],
    calls: [call('Start', 1_000), ...[2_000, 3_000, 4_000, 5_000, 6_000].map((atMs) => call('Get', atMs))],
  };
  const violated = (record: Partial<WaitRecord>, run: Partial<RunRecord> = {}): string[] => {
    const plan = drawPlan(1, 1, FAULT_KINDS);
    const times = { beganAtMs: 0, healedAtMs: 45_000, settledAtMs: 200_000 };
    const waits = [{ ...good, ...record }];
    return check({ plan, ...times, faults: [], control: [], crashes: 0, ...run, waits }).map(
      (found) => found.invariant,
    );
  };
  const closed = (close: RunHistory['close'], more: Partial<RunHistory> = {}): Partial<WaitRecord> => ({
    run: { ...history, ...more, ...(close && { close }) },
  });
  const { close: _, ...open } = history;
  const cancelled = { cancelRequestedAtMs: 2_500, hadBegunWhenCancelled: true };
  const early = closed({ status: 'completed', atMs: 5_500, result: { id: wait.name } });
  const foreign = closed({ status: 'completed', atMs: 6_100, result: { id: 'chaos-1-2' } });
  const failed = closed({ status: 'failed', atMs: 6_100, failure: { type: 'OperationServiceError', message: '' } });
  const late = closed({ status: 'completed', atMs: 30_000, result: { id: wait.name } });
  const nobody = closed({ status: 'canceled', atMs: 3_000 });
  const orphaned = closed({ status: 'canceled', atMs: 3_000 }, cancelled);
  const cancel = { ...closed(history.close, cancelled), calls: [...good.calls, call('Cancel', 6_050)] };

  test('accepts a wait that ends as its operation did', () => {
    expect(violated({})).toEqual([]);
    expect(violated(closed(history.close, cancelled))).toEqual([]);
  });

  test.each<[string, Invariant, Partial<WaitRecord>]>([
    ['ends before its operation', 'I1', early],
    ['ends with the result of another operation', 'I1', foreign],
    ['fails though its operation succeeded', 'I1', failed],
    ['goes on for long after a worker was told the end', 'I1', late],
    ['ends as cancelled though nobody cancelled it', 'I1', nobody],
    ['ends as cancelled while its operation runs on', 'I1', orphaned],
    ['sends Cancel though nobody cancelled it', 'I2', { calls: [...good.calls, call('Cancel', 5_000)] }],
    ['sends Cancel after its end was seen', 'I2', cancel],
    ['begins two operations', 'I3', { truths: [...good.truths, { id: 'another', endsAtMs: 6_000 }] }],
    ['starts with another key', 'I3', { calls: [...good.calls, call('Start', 1_500, { key: 'another' })] }],
    ['polls all the time', 'I4', { calls: Array.from({ length: 60 }, (_, n) => call('Get', 2_000 + 50 * n)) }],
    ['is open a minute after healing', 'I5', { run: open, calls: good.calls.slice(0, 3) }],
    [
      'fails workflow tasks',
      'I5',
      closed(history.close, { taskFailures: [{ atMs: 3_000, cause: 'cause 24: nondeterminism' }] }),
    ],
  ])('reports a wait that %s', (_, invariant, record) => {
    expect(violated(record)).toEqual([invariant]);
  });

  test('accepts a delay that follows a fault, or that the control on the same machine shows as well', () => {
    const fault = { kind: 'worker-kill', slots: [0], what: '', fromMs: 6_050, toMs: 7_000 } as const;
    expect(violated(late, { faults: [fault] })).toEqual([]);
    expect(violated(late, { control: [{ fromMs: 7_000, toMs: 12_000 }] })).toEqual([]);
  });
});
