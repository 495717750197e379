import { Client } from '@temporalio/client';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { operationFailure, OperationsClient, type OperationFailure } from 'temporal-lro';
import { method } from '../../src/apis/envelope';
import type { OperationSnapshot } from '../../src/model/snapshot';
import { CLOUD, pluginOf, runWorker, startEnvironment, type TestEnvironment } from '../support/environment';
import { until } from '../support/until';
import { beginWait, recordPoll } from '../../workflows/state';
import { awaitOperation } from './workflows';

const EMPTY = { '@type': 'google.protobuf.Empty' };
const RESPONSE = { '@type': 'type.googleapis.com/google.protobuf.Empty' };
const poll = { initialInterval: '100 ms', jitter: 0 } as const;
const emptyAny = { type_url: 'type.googleapis.com/google.protobuf.Empty', value: Buffer.alloc(0) };

/** Makes every payload twice as large, as an encrypting codec with text encoding might. */
const doubling: PayloadCodec = {
  encode: (payloads) =>
    Promise.resolve(
      payloads.map((payload): Payload => {
        const data = payload.data ?? new Uint8Array();
        return { ...payload, data: Buffer.concat([data, data]) };
      }),
    ),
  decode: (payloads) =>
    Promise.resolve(
      payloads.map((payload): Payload => ({
        ...payload,
        data: payload.data?.subarray(0, payload.data.length / 2) ?? null,
      })),
    ),
};

let environment: TestEnvironment;
/** The bytes of the cloud's replies to polls of an operation; undefined for the regular reply. */
const replies = new Map<string, (count: number) => Buffer | undefined>();
beforeAll(async () => {
  environment = await startEnvironment({ worker: { workflowsPath: require.resolve('./workflows') } });
  environment.cloud.intercept(({ operationId = '', count }) => {
    const body = replies.get(operationId)?.(count);
    return body && { body: body.toString('base64') };
  });
});
afterAll(() => environment.stop());

const encode = (operation: object): Buffer => method('Get').responseSerialize(operation);

/** Awaits an operation whose polls are answered like that; without these replies it would succeed at once. */
async function outcome(
  reply: (id: string, count: number) => Buffer | undefined,
  client: Client = environment.client,
): Promise<{ response?: unknown; failure?: OperationFailure | undefined; polls: number; events: number }> {
  const { cloud, workflow, historyLength } = environment;
  const id = cloud.operation({ after: 1, response: EMPTY });
  replies.set(id, (count) => reply(id, count));
  const options = workflow();
  const work = client.workflow.execute(awaitOperation, { ...options, args: [{ cloud: CLOUD, operationId: id, poll }] });
  const end = await work.then(
    (response) => ({ response }),
    (err: unknown) => ({ failure: operationFailure(err) }),
  );
  const polls = cloud.calls.filter(({ operationId }) => operationId === id).length;
  return { ...end, polls, events: await historyLength(options.workflowId) };
}

test.each([
  ['bytes that are no message', () => Buffer.from('ffffff', 'hex')],
  ['a message that was cut off', (id: string) => encode({ id, description: 'Create cluster' }).subarray(0, -5)],
  ['another operation', () => encode({ id: 'another', done: true, response: emptyAny })],
  ['no operation at all', () => Buffer.alloc(0)],
])('a cloud that sends %s three times is polled again, at intervals', async (_, spoilt) => {
  const { response, polls, events } = await outcome((id, count) => (count <= 3 ? spoilt(id) : undefined));
  expect(response).toEqual(RESPONSE);
  expect(polls).toBe(4);
  expect(events).toBe(11);
});

test('texts that are not UTF-8 and times outside the calendar are tolerated', async () => {
  const { response, polls } = await outcome((id) => {
    const good = encode({
      id,
      description: 'xxxx',
      done: true,
      response: emptyAny,
      createdAt: { seconds: '9000000000000000000', nanos: -5 },
    });
    const at = good.indexOf('xxxx');
    good.fill(0xff, at, at + 4);
    return good;
  });
  expect(response).toEqual(RESPONSE);
  expect(polls).toBe(1);
});

test('a cloud whose replies stay broken is polled less and less often, never in a hot loop', async () => {
  const { cloud, client, workflow } = environment;
  const id = cloud.operation({ after: 1, response: EMPTY });
  replies.set(id, () => Buffer.from('ffffff', 'hex'));
  const handle = await client.workflow.start(awaitOperation, {
    ...workflow(),
    args: [{ cloud: CLOUD, operationId: id, poll }],
  });
  const calls = (): { at: number }[] => cloud.calls.filter(({ operationId }) => operationId === id);
  await until(() => calls().length >= 6);
  await handle.terminate();
  const intervals = calls()
    .slice(1, 6)
    .map(({ at }, i) => at - (calls()[i]?.at ?? 0));
  // A server's timer can be early by a millisecond.
  for (const [i, least] of [100, 200, 400, 400, 400].entries()) expect(intervals[i]).toBeGreaterThanOrEqual(least - 2);
});

test('an operation that is done with neither result, or with an empty error, is unreadable', async () => {
  const neither = await outcome((id) => encode({ id, done: true }));
  expect(neither.failure).toMatchObject({
    type: 'OperationUnreadable',
    message: expect.stringContaining('neither') as string,
  });
  const empty = await outcome((id) => encode({ id, done: true, error: {} }));
  expect(empty.failure).toMatchObject({
    type: 'OperationUnreadable',
    message: expect.stringContaining('OK') as string,
  });
});

const large = (id: string, bytes: number): Buffer =>
  encode({ id, done: true, response: { type_url: 'example.com/unknown.Type', value: Buffer.alloc(bytes) } });

test('a response that is too large for Temporal is unreadable, and the failure says so', async () => {
  const { failure, polls } = await outcome((id) => large(id, 1_200_000));
  expect(failure).toMatchObject({ type: 'OperationUnreadable', operation: { state: 'succeeded' } });
  expect(failure?.message).toMatch(/too large: 16\d{5} bytes of JSON, over the limit of 1500000/);
  expect(polls).toBe(1);
});

test('a response that a codec makes too large is unreadable as well, and polled once', async () => {
  const dataConverter = { payloadCodecs: [doubling] };
  const other = await startEnvironment({
    worker: { workflowsPath: require.resolve('./workflows'), dataConverter },
  });
  try {
    const client = new Client({ connection: other.client.connection, dataConverter });
    const id = other.cloud.operation({ after: 1, response: EMPTY });
    other.cloud.intercept(() => ({ body: large(id, 1_000_000).toString('base64') }));
    const args: Parameters<typeof awaitOperation> = [{ cloud: CLOUD, operationId: id, poll }];
    const failure = await client.workflow
      .execute(awaitOperation, { ...other.workflow(), args })
      .then(() => undefined, operationFailure);
    expect(failure).toMatchObject({ type: 'OperationUnreadable', operationId: id });
    expect(other.cloud.calls).toHaveLength(1);
  } finally {
    await other.stop();
  }
});

test('the first final state that was seen counts, although a later reply disagrees', () => {
  const state = beginWait();
  const running: OperationSnapshot = { cloud: CLOUD, id: 'op-1', state: 'running' };
  const ended: OperationSnapshot = { cloud: CLOUD, id: 'op-1', state: 'succeeded', response: RESPONSE };
  expect(recordPoll(state, running)).toBe(running);
  expect(recordPoll(state, ended)).toBe(ended);
  expect(recordPoll(state, running)).toBe(ended);
  expect(state.operation).toBe(ended);
});

test('NOT_FOUND is tolerated in short rows and final after ten seconds, whether or not the worker watches', async () => {
  const { client, cloud, connection, workflow } = environment;
  const workflowsPath = require.resolve('./workflows');
  const ends = [{}, { now: Date.now }].map(async (options) => {
    const own = { ...workflow(), taskQueue: workflow().workflowId };
    const stop = await runWorker({ ...own, connection, workflowsPath, plugins: [pluginOf(cloud, options)] });
    const [tolerated, always] = [new Set([1, 5, 7, 8, 9, 10]), { has: () => true }];
    const results = [tolerated, always].map(async (unknown) => {
      const id = cloud.operation({ after: '1 h', onCancel: 'completes', response: EMPTY });
      const notFoundAt: number[] = [];
      cloud.intercept(({ operationId, method, count }) => {
        if (operationId !== id || !method.endsWith('/Get')) return undefined;
        if (unknown === tolerated && count === 12) void cancel(id);
        if (!unknown.has(count)) return undefined;
        notFoundAt.push(performance.now());
        return { code: 5, message: 'no such operation' };
      });
      const schedule = { ...poll, maximumInterval: '1 s' } as const;
      const input = { cloud: CLOUD, operationId: id, poll: schedule };
      const end = client.workflow.execute(awaitOperation, { ...own, workflowId: id, args: [input] });
      const outcome = await end.then(
        (response) => response,
        (err: unknown) => operationFailure(err)?.type,
      );
      return { outcome, spanMs: (notFoundAt.at(-1) ?? 0) - (notFoundAt[0] ?? 0), times: notFoundAt.length };
    });
    const ended = await Promise.all(results);
    await stop();
    return ended;
  });
  for (const [tolerated, gone] of await Promise.all(ends)) {
    expect(tolerated?.outcome).toEqual(RESPONSE);
    expect(gone?.outcome).toBe('OperationNotFound');
    expect(gone?.times).toBeGreaterThan(3);
    // The wait uses Temporal's clock; half a second allows for the difference between the two clocks.
    expect(gone?.spanMs).toBeGreaterThan(9_500);
  }
});

const HUGE = 'x'.repeat(5_000_000);
const details = Array.from({ length: 40_000 }, () => emptyAny);

test.each([
  ['a description of 5 MB', { description: HUGE, response: emptyAny }, undefined],
  ['a creator of 5 MB', { createdBy: HUGE, response: emptyAny }, undefined],
  ['an error message of 5 MB', { error: { code: 9, message: HUGE } }, 'OperationFailed'],
  ['40,000 details', { error: { code: 9, message: 'no', details } }, 'OperationFailed'],
  [
    'metadata of 5 MB',
    { metadata: { type_url: 'x/unknown.Y', value: Buffer.from(HUGE) }, response: emptyAny },
    undefined,
  ],
])('a wait ends at its first poll although the reply has %s', async (_, operation, type) => {
  const { response, failure, polls, events } = await outcome((id) => encode({ id, done: true, ...operation }));
  expect({ type: failure?.type, response, polls, events }).toEqual({
    type,
    ...(type === undefined ? { response: RESPONSE } : { response: undefined }),
    polls: 1,
    events: 11,
  });
});

/** Cancels an operation in the cloud, whoever waits for it. */
async function cancel(id: string): Promise<void> {
  const client = OperationsClient.connect({ endpoint: environment.cloud.address, plaintext: true });
  await client.cancel(id);
  client.close();
}
