import { operationFailure, OperationsClient } from 'temporal-lro';
import { FakeCloud, type OperationScript, type ScriptedError } from 'temporal-lro/testing';
import { until } from '../support/until';

const EMPTY = { '@type': 'google.protobuf.Empty' };
const RESPONSE = { '@type': 'type.googleapis.com/google.protobuf.Empty' };
const poll = { initialInterval: '50 ms' } as const;

let cloud: FakeCloud;
let client: OperationsClient;
beforeAll(async () => {
  cloud = await FakeCloud.start();
  client = OperationsClient.connect({ endpoint: cloud.address, plaintext: true });
});
afterAll(async () => {
  client.close();
  await cloud.close();
});

const operation = (script: Omit<OperationScript, 'response' | 'error'>, error?: ScriptedError): string =>
  cloud.operation({ ...script, ...(error ? { error } : { response: EMPTY }) });
const polls = (id: string): number => cloud.calls.filter(({ operationId }) => operationId === id).length;
const failure = (work: Promise<unknown>): Promise<unknown> => work.then(() => 'no failure', operationFailure);

test('a wait returns the response, and polls by the schedule', async () => {
  const id = operation({ after: '1 h', onCancel: 'completes' });
  const ended = until(() => polls(id) === 5, 1).then(() => client.cancel(id));
  expect(await client.wait(id, { poll: { ...poll, jitter: 0, ageFraction: 1 } })).toEqual(RESPONSE);
  await ended;
  const times = cloud.calls
    .filter((call) => call.operationId === id && call.method.endsWith('/Get'))
    .map(({ at }) => at);
  // At 0, 50, 100, 200, 400 and 800 ms, or later on a slow machine: a timer can be early by a millisecond.
  expect(times.slice(1).every((at, n) => at - (times[0] ?? 0) >= 50 * 2 ** n - 2)).toBe(true);
  expect(times.length).toBeLessThanOrEqual(6);
});

test('a wait survives faults of every kind', async () => {
  const faults = [4, 8, 10, 13, 14].map((code) => ({ on: 'Get' as const, calls: 1, code }));
  const id = operation({ after: 10, faults: [...faults, { calls: 1, lostReply: true }, { calls: 1, body: 'AAEC' }] });
  expect(await client.wait(id, { poll: { initialInterval: '5 ms' } })).toEqual(RESPONSE);
  expect(polls(id)).toBe(8);
});

test('an operation that fails is reported as in a workflow', async () => {
  const id = operation({}, { code: 8, message: 'quota' });
  expect(await failure(client.wait(id))).toMatchObject({
    type: 'OperationFailed',
    codeName: 'RESOURCE_EXHAUSTED',
    operationId: id,
    operation: { state: 'failed' },
  });
});

test("an operation that is rolling back is awaited, or fails the wait at once with onRollback 'fail'", async () => {
  const error = { code: 9, message: 'no room' };
  const waited = operation({ after: 300, rollback: 300 }, error);
  expect(await failure(client.wait(waited, { poll }))).toMatchObject({ operation: { state: 'failed' } });
  const told = operation({ after: '1 h', rollback: '1 h' }, error);
  expect(await failure(client.wait(told, { poll, onRollback: 'fail' }))).toMatchObject({
    type: 'OperationFailed',
    operation: { state: 'rollingBack' },
  });
});

test('a wait whose timeout has expired polls once more and reports the state', async () => {
  const id = operation({ after: '1 h' });
  expect(await failure(client.wait(id, { timeout: '200 ms', poll: { initialInterval: '1 h' } }))).toMatchObject({
    type: 'OperationTimedOut',
    operationId: id,
    operation: { state: 'running' },
    lastPolledAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
  });
  expect(polls(id)).toBe(2);
});

test('an unknown operation and a refused poll are reported as in a workflow', async () => {
  const beganAt = performance.now();
  expect(await failure(client.wait('nobody-knows', { poll: { maximumInterval: '1 s' } }))).toMatchObject({
    type: 'OperationNotFound',
  });
  expect(polls('nobody-knows')).toBeGreaterThan(3);
  expect(performance.now() - beganAt).toBeGreaterThanOrEqual(10_000);
  const id = operation({ faults: [{ calls: 1, code: 7, message: 'no role' }] });
  expect(await failure(client.wait(id))).toMatchObject({
    type: 'OperationServiceError',
    codeName: 'PERMISSION_DENIED',
  });
});

test('an aborted wait rejects at once with the abort reason, while it sleeps and while it polls', async () => {
  for (const faults of [[], [{ calls: 1, hang: '1 h' as const }]]) {
    const id = operation({ after: '1 h', faults });
    const abort = new AbortController();
    const reason = new Error('enough');
    const wait = client.wait(id, { signal: abort.signal, poll: { initialInterval: '1 h' } });
    await until(() => polls(id) > 0);
    abort.abort(reason);
    await expect(wait).rejects.toBe(reason);
  }
  const id = operation({});
  await expect(client.wait(id, { signal: AbortSignal.abort(new Error('never')) })).rejects.toThrow('never');
  expect(polls(id)).toBe(0);
});

test('every call reports an invalid operation ID and an invalid idempotency key with the same error', async () => {
  const before = cloud.calls.length;
  for (const call of [client.get(''), client.cancel(''), client.wait('')]) {
    expect(await failure(call)).toMatchObject({
      type: 'OperationConfigurationError',
      message: expect.stringMatching(/^operationId is "": give the id that the cloud returned/) as string,
    });
  }
  const start = client.start('a.B/C', {}, { idempotencyKey: '' });
  expect(await failure(start)).toMatchObject({
    type: 'OperationConfigurationError',
    message: expect.stringMatching(/^idempotencyKey is "": give a UUID/) as string,
  });
  expect(cloud.calls).toHaveLength(before);
});

test('invalid options are reported before the first poll', async () => {
  const id = operation({});
  const wrong = { timeout: '1 h', onTimeout: 'cancel' };
  expect(await failure(client.wait(id, wrong as { timeout: '1 h' }))).toMatchObject({
    type: 'OperationConfigurationError',
    message: 'onTimeout is "cancel": unknown option; known are timeout, poll, onRollback',
  });
  expect(polls(id)).toBe(0);
});
