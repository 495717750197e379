import type { WorkflowHandle } from '@temporalio/client';
import { CLOUD } from '../support/environment';
import { startSkippingEnvironment, type SkippingEnvironment } from '../support/time-skipping';
import { awaitOperation, inline } from './workflows';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A wait in skipped time, where intervals under 5 s sleep by activity retries, with the same commands and history. */
interface Row {
  type: typeof awaitOperation | typeof inline;
  by: 'timer' | 'activityRetry';
  lengthMs: number;
  maximumEvents: number;
  maximumPolls: number;
}

const row = (
  name: string,
  type: Row['type'],
  by: Row['by'],
  lengthMs: number,
  maximumEvents: number,
  maximumPolls: number,
): [string, Row] => [name, { type, by, lengthMs, maximumEvents, maximumPolls }];

const ROWS: [string, Row][] = [
  row('awaitOperation by timer, done at the first poll', awaitOperation, 'timer', 0, 11, 1),
  row('awaitOperation by activity retry, done at the first poll', awaitOperation, 'activityRetry', 0, 11, 1),
  row('awaitOperation by timer, 30 s', awaitOperation, 'timer', 30 * SECOND, 11, 34),
  row('awaitOperation by activity retry, 30 s', awaitOperation, 'activityRetry', 30 * SECOND, 11, 34),
  row('awaitOperation by timer, 5 min', awaitOperation, 'timer', 5 * MINUTE, 300, 90),
  row('awaitOperation by activity retry, 5 min', awaitOperation, 'activityRetry', 5 * MINUTE, 11, 90),
  row('awaitOperation by timer, 1 h', awaitOperation, 'timer', HOUR, 880, 140),
  row('awaitOperation by activity retry, 1 h', awaitOperation, 'activityRetry', HOUR, 11, 140),
  row('awaitOperation by timer, 24 h', awaitOperation, 'timer', DAY, 4200, 430),
  row('awaitOperation by activity retry, 24 h', awaitOperation, 'activityRetry', DAY, 11, 430),
  row('inline by timer, 24 h', inline, 'timer', DAY, 1300, 430),
  row('inline by activity retry, 24 h', inline, 'activityRetry', DAY, 11, 430),
  row('inline by timer, 30 days', inline, 'timer', 30 * DAY, 1300, 9000),
  row('inline by activity retry, 30 days', inline, 'activityRetry', 30 * DAY, 11, 9000),
];

let environment: SkippingEnvironment;
const started = new Map<string, { handle: WorkflowHandle; operationId: string; endsAt: number }>();

beforeAll(async () => {
  environment = await startSkippingEnvironment({ worker: { workflowsPath: require.resolve('./workflows') } });
  const { client, cloud } = environment;
  for (const [name, { type, by, lengthMs }] of ROWS) {
    const endsAt = (await environment.now()) + lengthMs;
    const operationId = cloud.operation({ after: lengthMs || 1, response: { '@type': 'google.protobuf.Empty' } });
    const input = { cloud: CLOUD, operationId, poll: { by } };
    const handle = await client.workflow.start(type, {
      ...environment.workflow(),
      workflowRunTimeout: '40 days',
      args: [input],
    });
    started.set(name, { handle, operationId, endsAt });
  }
}, 60_000);
afterAll(() => environment.stop());

// All run at once; results are awaited one at a time, the shortest first.
test.each(ROWS)(
  '%s: at most the documented events, polls and delay',
  async (name, { lengthMs, maximumEvents, maximumPolls }) => {
    const { handle, operationId, endsAt } = started.get(name) ?? fail();
    await handle.result();
    const polls = environment.cloud.calls.filter((call) => call.operationId === operationId);
    expect(polls.length).toBeLessThanOrEqual(maximumPolls);
    expect(await environment.historyLength(handle.workflowId)).toBeLessThanOrEqual(maximumEvents);
    // The delay counts from the first poll, since the clock runs on while the waits are started.
    const [first, last] = [polls[0]?.at ?? Infinity, polls.at(-1)?.at ?? Infinity];
    const latenessMs = last - Math.max(endsAt, first);
    const bound = Math.min(Math.max(1.2 * SECOND, 0.065 * lengthMs), 6 * MINUTE);
    // The server's timers are late by up to a second.
    expect(latenessMs).toBeLessThanOrEqual(bound + SECOND);
    expect(last).toBeGreaterThanOrEqual(endsAt);
  },
  400_000,
);

function fail(): never {
  throw new Error('It was not started');
}
