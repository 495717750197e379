import fc from 'fast-check';
import { toSnapshot } from '../src/cloud/to-snapshot';
import { loadDescriptors } from '../src/descriptors/load';
import { operationProgress, progressText, type OperationProgress } from '../src/model/progress';
import type { AnyJson, OperationSnapshot } from '../src/model/snapshot';
import * as texts from '../src/model/texts';

const id = 'fcmq0j5033e516c56ctq';
const metadata: AnyJson = {
  '@type': 'type.googleapis.com/yandex.cloud.k8s.v1.CreateClusterMetadata',
  clusterId: 'catb3ppsdsh7vajr216f',
  progressPercentage: 40.7,
  step: 'creating VMs',
};
const running: OperationSnapshot = { cloud: 'yandex', id, description: 'Create cluster', metadata, state: 'running' };
const error = { code: 8, codeName: 'RESOURCE_EXHAUSTED', message: 'The limit is exceeded', details: [] };
const bytes = (text: string): number => Buffer.byteLength(text);

const TOLD: [string, Record<string, unknown>, OperationProgress | undefined, string][] = [
  ['a percentage', { progressPercentage: 40.7 }, { percent: 40.7 }, '40 %'],
  ['a percentage and a step', { progressPercentage: 0, step: 'queued' }, { percent: 0, step: 'queued' }, '0 % queued'],
  [
    'steps of tuning, int64s as strings',
    { status: 'IN_PROGRESS', totalSteps: '5', currentStep: '2' },
    { percent: 40, step: 'IN_PROGRESS', done: 2, total: 5 },
    '40 % IN_PROGRESS (2 of 5)',
  ],
  [
    'rows of a dataset',
    { validRows: '7', processedRows: '9', totalRows: '12' },
    { percent: 75, done: 9, total: 12 },
    '75 % (9 of 12)',
  ],
  [
    'batches of a completion',
    { taskStatus: 'RUNNING', completedBatches: '1', totalBatches: '3' },
    { percent: 33.3, step: 'RUNNING', done: 1, total: 3 },
    '33 % RUNNING (1 of 3)',
  ],
  [
    'the nested progress of a project job',
    { progress: { message: 'training', progress: '61' } },
    { percent: 61, step: 'training' },
    '61 % training',
  ],
  ['the log of a database', { operationLog: 'copying\n data' }, { step: 'copying data' }, 'copying data'],
  ['a status alone, as of opening a project', { status: 'OPENING' }, { step: 'OPENING' }, 'OPENING'],
  ['ids only', { clusterId: 'c1' }, undefined, ''],
  ['a status that says nothing', { status: 'STATUS_UNSPECIFIED' }, undefined, ''],
  ['counts of nothing yet', { currentStep: '0', totalSteps: '0' }, undefined, ''],
  ['more than all', { progressPercentage: 180 }, { percent: 100 }, '100 %'],
  ["Google's percentage", { progressPercent: 30, verb: 'update' }, { percent: 30, step: 'update' }, '30 % update'],
  ["Google's nested percentage", { progress: { progressPercent: 5 } }, { percent: 5 }, '5 %'],
  [
    "Google's verb and target",
    { verb: 'create', target: 'projects/p/locations/l/instances/cache' },
    { step: 'create instances/cache' },
    'create instances/cache',
  ],
  ["Google's status", { verb: 'create', statusMessage: 'booting' }, { step: 'booting' }, 'booting'],
];

test.each(TOLD)('metadata with %s yield that progress', (_, fields, progress, text) => {
  const told = operationProgress({ ...running, metadata: { '@type': 'x/acme.v1.Metadata', ...fields } });
  expect(told).toEqual(progress);
  expect(progressText(told)).toBe(text);
});

test('metadata with unreadable values yield no progress, and no error', () => {
  const names = ['progress', 'progressPercentage', 'currentStep', 'totalSteps', 'step', 'message', 'status', 'diskId'];
  const hostile = { valueOf: 1, toString: null };
  for (const value of [null, [null], hostile, 'NaN', '-Infinity']) {
    const read: AnyJson = { '@type': 'x', ...Object.fromEntries(names.map((name) => [name, value])) };
    const operation = { ...running, metadata: read };
    for (const text of [texts.operationTitle(operation), texts.runningText(operation), texts.stateText(operation)]) {
      expect(text).not.toMatch(/undefined|null|NaN %/);
    }
  }
  expect(operationProgress({ ...running, metadata: { '@type': 'x', progress: null, step: 'copying' } })).toEqual({
    step: 'copying',
  });
});

test('an operation that has ended has no progress', () => {
  expect(operationProgress({ ...running, state: 'succeeded', response: metadata })).toBeUndefined();
});

describe("a worker's own progress reader", () => {
  const raw = {
    id,
    description: '',
    createdBy: '',
    done: false,
    metadata: { typeUrl: 'type.googleapis.com/acme.v1.CopyMetadata', value: Buffer.from('aa') },
  };
  const read = (reader: () => unknown): OperationProgress | undefined =>
    toSnapshot('acme', raw, loadDescriptors([]), new Map([['acme.v1.CopyMetadata', () => reader() as never]])).progress;

  test('is found by the full name of the type, and its values are clamped', () => {
    expect(read(() => ({ percent: 250, step: 's'.repeat(200), done: -3, total: 10 }))).toEqual({
      percent: 100,
      step: 's'.repeat(80),
      done: 0,
      total: 10,
    });
    expect(read(() => undefined)).toBeUndefined();
    expect(read(() => 'half')).toBeUndefined();
  });

  test('shows its error in the progress when it throws, and the wait continues', () => {
    const broken = (): never => {
      throw new TypeError('no such field');
    };
    expect(read(broken)).toEqual({ step: 'progress cannot be read: no such field' });
  });

  test('takes precedence over the known fields', () => {
    expect(operationProgress({ ...running, progress: { percent: 7 } })).toEqual({ percent: 7 });
  });
});

test('texts say what the operation does, to which resource, how far it is and what comes next', () => {
  expect(texts.operationTitle(running)).toBe('Create cluster catb3ppsdsh7vajr216f (fcmq0j5033e516c56ctq)');
  expect(texts.operationTitle({ id })).toBe('Operation (fcmq0j5033e516c56ctq)');
  expect(texts.operationTitle({ id, description: 'Restore catb', metadata: { '@type': 'x', diskId: 'catb' } })).toBe(
    'Restore catb (fcmq0j5033e516c56ctq)',
  );
  expect(texts.pollSummary({ id }, 1)).toBe('fcmq0j5033e516c56ctq');
  expect(texts.pollSummary({ id }, 11)).toBe('fcmq0j5033e516c56ctq · poll 11');
  expect(texts.pollSummary(running, 2)).toBe('Create cluster catb3ppsdsh7vajr216f (fcmq0j5033e516c56ctq) · poll 2');
  expect(texts.cancelSummary(id)).toBe('fcmq0j5033e516c56ctq');
  expect(texts.deadlineSummary(id)).toBe('fcmq0j5033e516c56ctq · timeout of the wait');
  expect(texts.timerSummary(running, 20_000)).toBe('fcmq0j5033e516c56ctq · 40 % creating VMs · next poll in 20 s');
  expect(texts.runningText(running)).toBe(
    'yandex operation fcmq0j5033e516c56ctq (Create cluster catb3ppsdsh7vajr216f) is running, 40 % creating VMs',
  );
});

test('an operation that is rolling back shows its error wherever its state is shown', () => {
  const rollingBack: OperationSnapshot = { ...running, state: 'rollingBack', error };
  const told = 'rolling back after RESOURCE_EXHAUSTED: The limit is exceeded';
  expect(texts.runningText(rollingBack)).toContain(`is ${told}`);
  expect(texts.timerSummary(rollingBack, 1500)).toBe(`${id} · ${told} · next poll in 2 s`);
  expect(texts.endedText(rollingBack)).toBe(
    'yandex operation fcmq0j5033e516c56ctq (Create cluster catb3ppsdsh7vajr216f) failed and is being rolled back: RESOURCE_EXHAUSTED: The limit is exceeded',
  );
});

test('current details are a heading, a list, and the metadata', () => {
  const operation = { ...running, createdAt: '2026-03-01T12:00:00Z', createdBy: 'ajeo' };
  expect(texts.currentDetails({ ...operation, lastPolledAt: '2026-03-01T12:00:05.000Z' })).toBe(
    [
      '**Create cluster catb3ppsdsh7vajr216f: running, 40 % creating VMs**',
      '',
      '- Operation fcmq0j5033e516c56ctq of yandex',
      '- Began 2026-03-01T12:00:00Z by ajeo',
      '- Last polled 2026-03-01T12:00:05.000Z',
      '',
      '~~~json',
      JSON.stringify(metadata, undefined, 2),
      '~~~',
    ].join('\n'),
  );
});

test('current details say that polls are refused, since when and when the next one is due, and guess no state', () => {
  const pollError = { code: 7, codeName: 'PERMISSION_DENIED', message: 'no role', since: 'noon', nextPollAt: 'one' };
  const shown = texts.currentDetails({ cloud: 'yandex', id: 'fcm1', state: 'running', pollError });
  expect(shown.split('\n')).toEqual([
    '**Operation: not polled yet**',
    '',
    '- **Polls are refused** since noon: PERMISSION\\_DENIED: no role',
    '- Next poll one',
    '- Operation fcm1 of yandex',
  ]);
});

test('no secret is shown: neither an IAM token that a cloud repeats nor a password in the metadata', () => {
  const token = `t1.9euelZqM-${'a'.repeat(40)}.${'Z'.repeat(86)}`;
  const failed: OperationSnapshot = {
    ...running,
    description: `Use ${token}`,
    metadata: { '@type': 'x', step: token, note: token, adminPassword: 'hunter2', nested: { secretKey: 'hunter2' } },
    state: 'failed',
    error: { ...error, message: `Invalid ${token}` },
  };
  const shown = [
    texts.currentDetails({ ...failed, lastPolledAt: 'now' }),
    texts.endedText(failed),
    texts.operationTitle(failed),
  ].join('\n');
  expect(shown).not.toContain('hunter2');
  expect(shown).not.toContain('Z'.repeat(20));
});

test('text from the cloud cannot become markup in the current details', () => {
  const text = texts.currentDetails({
    ...running,
    description: '**x** [link](http://evil) <script>',
    metadata: { '@type': 'x', note: '~~~\n# Heading' },
    lastPolledAt: 'now',
  });
  expect(text.split('\n')[0]).toBe('**\\*\\*x\\*\\* \\[link\\](http://evil) \\<script\\>: running**');
  expect(text.match(/^~~~/gm)).toHaveLength(2);
});

const text = (maxLength: number): fc.Arbitrary<string> => fc.string({ unit: 'binary', maxLength });

test('every text stays within the limits of the server and the UI, whatever the cloud sends', () => {
  const operation = fc.record({
    id: text(512).filter((value) => value !== ''),
    description: text(256),
    createdBy: text(1000),
    metadata: fc.record({ '@type': text(300), step: text(2000), clusterId: text(2000), note: text(3000) }),
    error: fc.record({ code: fc.nat(), codeName: text(40), message: text(5000) }),
  });
  fc.assert(
    fc.property(operation, fc.nat(), ({ error, ...told }, ms) => {
      const going = { cloud: 'yandex', ...told, state: 'running' as const };
      const seen = { ...going, state: 'rollingBack' as const, error: { ...error, details: [] } };
      expect([...texts.operationTitle(going)].length).toBeLessThanOrEqual(80);
      for (const summary of [
        texts.pollSummary(going, ms),
        texts.cancelSummary(told.id),
        texts.deadlineSummary(told.id),
        texts.timerSummary(seen, ms),
        texts.timerSummary(going, ms),
        texts.refusalSummary(told.id, error.codeName, ms),
      ]) {
        expect(bytes(summary)).toBeLessThanOrEqual(200);
      }
      const pollError = { ...error, since: 'then', nextPollAt: 'soon' };
      const refused = { ...going, lastPolledAt: 'now', pollError };
      for (const details of [texts.currentDetails(seen), texts.currentDetails(going), texts.currentDetails(refused)]) {
        expect(bytes(details)).toBeLessThanOrEqual(1500);
      }
      // The server truncates a failure at 4 KiB.
      for (const message of [texts.endedText(seen), texts.runningText(going), texts.runningText(seen)]) {
        expect([...message].length).toBeLessThanOrEqual(1500);
      }
    }),
    { numRuns: 200, seed: 1 },
  );
});
