import type { GetInput, GetResult } from '../../src/model/contract';
import { ApplicationFailure } from '@temporalio/common';
import { operationFailure } from 'temporal-lro';
import type { Polled } from '../../src/cloud/cloud';
import * as decision from '../../src/cloud/decide';
import { operationJudge } from '../../src/cloud/judge-operation';
import { OperationServiceError } from '../../src/apis/error';
import type { PollRecord } from '../../src/model/evidence';
import { resolveWaitOptions } from '../../src/model/options';
import { statusCode, type AnyJson, type OperationSnapshot, type StatusCodeName } from '../../src/model/snapshot';

const MINUTE = 60_000;
const { schedule } = resolveWaitOptions();
const look: GetInput = { cloud: 'yandex', operationId: 'op-1', startedAtMs: 0, schedule };
const input: GetInput = { ...look, by: 'activityRetry' };
type Decision = decision.Decision<GetResult>;
type PollOutcome = decision.PollOutcome<Polled>;
type PollContext = decision.PollContext;

function decide(
  given: GetInput,
  outcome: PollOutcome,
  context: PollContext,
): { decision: Decision; record: PollRecord } {
  return decision.decide(operationJudge(given, undefined), outcome, context);
}

const young: PollContext = { ageMs: 10_000, random: 0.5 };
const old: PollContext = { ...young, ageMs: 10 * MINUTE };

function failed(codeName: StatusCodeName | number, context: PollContext, details: AnyJson[] = []): Decision {
  return decide(input, { error: refusal(codeName, details) }, context).decision;
}

function refusal(codeName: StatusCodeName | number, details: AnyJson[] = []): OperationServiceError {
  const code = typeof codeName === 'number' ? codeName : statusCode(codeName);
  return new OperationServiceError('Get of op-1', { code, message: 'no', details });
}

function polled(operation: OperationSnapshot, given: Partial<GetInput> = {}, hintMs?: number): Decision {
  const polled = hintMs === undefined ? { operation } : { operation, hintMs };
  return decide({ ...input, ...given }, { polled }, young).decision;
}

function failureType(decision: Decision): string | null | undefined {
  return decision.next === 'fail' ? decision.failure.type : undefined;
}

const running: OperationSnapshot = { cloud: 'yandex', id: 'op-1', state: 'running' };

/**
 * Plays polls at the given ages, in seconds, with those outcomes. Returns the type of the failure that ends the wait,
 * and when.
 */
function history(...polls: [ageS: number, outcome: StatusCodeName | 'running' | 'unserved'][]): string {
  let record: PollRecord | undefined;
  for (const [ageS, outcome] of polls) {
    const found: PollOutcome =
      outcome === 'running'
        ? { polled: { operation: running } }
        : outcome === 'unserved'
          ? { unserved: 'cloud is "yandex", but this worker configures other' }
          : { error: refusal(outcome) };
    const context = { ...young, ageMs: ageS * 1000, ...(record && { record }) };
    const judged = decide(input, found, context);
    record = judged.record;
    const type = failureType(judged.decision);
    if (type !== undefined) return `${type} at ${ageS} s`;
  }
  return 'goes on';
}

/** The decision for each code, for an operation that no poll has returned yet and for a known one. */
const TABLE: Record<Exclude<StatusCodeName, 'OK'>, [unknown: string, known: string]> = {
  CANCELLED: ['goes on', 'goes on'],
  UNKNOWN: ['goes on', 'goes on'],
  INVALID_ARGUMENT: ['OperationServiceError at 1 s', 'goes on'],
  DEADLINE_EXCEEDED: ['goes on', 'goes on'],
  NOT_FOUND: ['goes on', 'goes on'],
  ALREADY_EXISTS: ['OperationServiceError at 1 s', 'goes on'],
  PERMISSION_DENIED: ['OperationServiceError at 1 s', 'goes on'],
  RESOURCE_EXHAUSTED: ['goes on', 'goes on'],
  FAILED_PRECONDITION: ['OperationServiceError at 1 s', 'goes on'],
  ABORTED: ['goes on', 'goes on'],
  OUT_OF_RANGE: ['OperationServiceError at 1 s', 'goes on'],
  UNIMPLEMENTED: ['OperationServiceError at 1 s', 'goes on'],
  INTERNAL: ['goes on', 'goes on'],
  UNAVAILABLE: ['goes on', 'goes on'],
  DATA_LOSS: ['OperationServiceError at 1 s', 'goes on'],
  UNAUTHENTICATED: ['OperationServiceError at 1 s', 'goes on'],
};

test.each(Object.entries(TABLE))(
  '%s: for an unknown operation %j, for a known one the second',
  (codeName, expected) => {
    const code = codeName as StatusCodeName;
    expect([history([1, code]), history([0, 'running'], [1, code])]).toEqual(expected);
  },
);

test('a code that google.rpc.Code does not have, and an error without a code, are transient', () => {
  expect(failed(77, old)).toMatchObject({ next: 'poll' });
  expect(decide(input, { error: new Error('abandoned') }, old).decision).toMatchObject({
    next: 'poll',
    message: 'yandex operation op-1 could not be polled: abandoned',
  });
});

test('a refusal ends the wait for an operation that was never seen, unless the cloud first answered a poll a minute ago or more', () => {
  // Nothing was answered for an hour, because the worker or the network was down.
  expect(history([3600, 'PERMISSION_DENIED'])).toBe('OperationServiceError at 3600 s');
  expect(history([1, 'UNAVAILABLE'], [3600, 'PERMISSION_DENIED'])).toBe('OperationServiceError at 3600 s');
  expect(history([1, 'NOT_FOUND'], [61, 'PERMISSION_DENIED'])).toBe('goes on');
  expect(history([0, 'running'], [1, 'UNAUTHENTICATED'], [9_000, 'UNIMPLEMENTED'])).toBe('goes on');
});

test('a worker that lacks the cloud or the method ends the wait under the same condition', () => {
  expect(history([600, 'unserved'])).toBe('OperationConfigurationError at 600 s');
  expect(history([0, 'running'], [1, 'unserved'], [9_000, 'unserved'])).toBe('goes on');
});

test('NOT_FOUND is final after four answers in a row over ten seconds, or over a minute if the operation is known', () => {
  const row = (...agesS: number[]): [number, StatusCodeName][] => agesS.map((ageS) => [ageS, 'NOT_FOUND']);
  expect(history(...row(0, 1, 2, 3, 9, 9.9))).toBe('goes on');
  expect(history(...row(0, 1, 2, 3, 10))).toBe('OperationNotFound at 10 s');
  expect(history(...row(0, 300, 600))).toBe('goes on');
  expect(history(...row(0, 300, 600, 900))).toBe('OperationNotFound at 900 s');
  expect(history([0, 'running'], ...row(1, 2, 3, 4, 60.9))).toBe('goes on');
  expect(history([0, 'running'], ...row(1, 2, 3, 4, 61))).toBe('OperationNotFound at 61 s');
  // A single answer proves nothing, however old the wait is and however late its first poll.
  expect(history(...row(7_200))).toBe('goes on');
  expect(history(...row(0, 1, 2), [3, 'running'], ...row(4, 5, 6), [7, 'running'], ...row(70))).toBe('goes on');
  // An outage proves nothing about the operation.
  expect(history(...row(0, 1, 2), [5, 'UNAVAILABLE'], ...row(10))).toBe('OperationNotFound at 10 s');
});

test('a final NOT_FOUND is typed and not retryable', () => {
  const record = { known: false, failures: 3, notFound: { times: 3, sinceMs: 0 } };
  const decision = failed('NOT_FOUND', { ...young, record });
  expect(decision.next === 'fail' && operationFailure(decision.failure)).toMatchObject({
    type: 'OperationNotFound',
    cloud: 'yandex',
    operationId: 'op-1',
  });
  expect(decision.next === 'fail' && decision.failure.nonRetryable).toBe(true);
});

test('while a refusal is retried, intervals are four times as long, up to the maximum interval', () => {
  const record = { known: true, failures: 0 };
  const at = (ageMs: number): Decision => failed('PERMISSION_DENIED', { ...young, ageMs, random: 0, record });
  expect([0, 2 * MINUTE, 10 * MINUTE, 60 * MINUTE].map(at)).toMatchObject([
    { intervalMs: 4_000 },
    { intervalMs: 24_000 },
    { intervalMs: 120_000 },
    { intervalMs: 300_000 },
  ]);
});

test('with returnRefusal a refusal returns to the workflow once when it begins and once when it ends', () => {
  const record = { known: true, failures: 0 };
  const refused = (given: Partial<GetInput>, ageMs = 1_000): Decision =>
    decide({ ...input, record, ...given }, { error: refusal('PERMISSION_DENIED') }, { ...young, ageMs }).decision;
  const shown = { known: true, failures: 1, answeredAtMs: 1_000, refusedSinceMs: 1_000 };
  expect(refused({ returnRefusal: true })).toMatchObject({
    next: 'return',
    result: { refused: { status: { codeName: 'PERMISSION_DENIED', message: 'no' }, delayMs: 4_400, record: shown } },
  });
  expect(refused({}).next).toBe('poll');
  expect(refused({ returnRefusal: true, record: shown }, 2_000).next).toBe('poll');
  // When the workflow sleeps, every poll returns.
  expect(refused({ by: 'timer', record: shown }, 5 * MINUTE).next).toBe('return');
  expect(polled(running, { record: shown }).next).toBe('return');
  expect(polled(running, { record }).next).toBe('poll');
});

test('a final refusal carries the code and the message of the cloud', () => {
  const decision = failed('PERMISSION_DENIED', young);
  expect(decision.next === 'fail' && operationFailure(decision.failure)).toMatchObject({
    type: 'OperationServiceError',
    code: 7,
    codeName: 'PERMISSION_DENIED',
    message: 'Get of op-1: PERMISSION_DENIED: no',
  });
});

test('after consecutive failures the interval grows up to fourfold', () => {
  const at = (before: number): Decision =>
    failed('UNAVAILABLE', { ...young, record: { known: false, failures: before }, random: 0 });
  expect([0, 1, 2, 3, 99].map(at)).toMatchObject([
    { intervalMs: 800 },
    { intervalMs: 2000 },
    { intervalMs: 4000 },
    { intervalMs: 4000 },
    { intervalMs: 4000 },
  ]);
});

test('RESOURCE_EXHAUSTED makes the interval longer at once', () => {
  expect(failed('RESOURCE_EXHAUSTED', { ...old, random: 0 })).toMatchObject({ intervalMs: 60_000 });
});

test('google.rpc.RetryInfo is respected, up to four maximum intervals', () => {
  const info = (retryDelay: string): AnyJson[] => [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay }];
  const at = (delay: string): Decision => failed('UNAVAILABLE', { ...young, random: 0 }, info(delay));
  expect(at('7.5s')).toMatchObject({ intervalMs: 7500 });
  expect(at('86400s')).toMatchObject({ intervalMs: 1_200_000 });
  expect(at('-5s')).toMatchObject({ intervalMs: 800 });
  expect(at('soon')).toMatchObject({ intervalMs: 800 });
});

const error = { code: 8, codeName: 'RESOURCE_EXHAUSTED', message: 'quota', details: [] };

test('a hint of the server raises the interval, and a hint of hours is capped, also on its way to a workflow', () => {
  expect(polled(running, {}, 7000)).toMatchObject({ next: 'poll', intervalMs: 7700 });
  expect(polled(running, {}, 86_400_000)).toMatchObject({ next: 'poll', intervalMs: 1_200_000 });
  for (const hintMs of [86_400_000, Infinity]) {
    expect(decide(look, { polled: { operation: running, hintMs } }, young).decision).toEqual({
      next: 'return',
      result: { operation: running, hintMs: 1_200_000 },
    });
  }
});

test("an operation that is rolling back is polled on, or returned at once with onRollback 'fail'", () => {
  const operation: OperationSnapshot = { ...running, state: 'rollingBack', error };
  expect(polled(operation)).toMatchObject({
    next: 'poll',
    message: 'yandex operation op-1 is rolling back after RESOURCE_EXHAUSTED: quota',
  });
  expect(polled(operation, { onRollback: 'fail' })).toEqual({ next: 'return', result: { operation } });
});

test('an operation that is done is returned, however it ended', () => {
  for (const operation of [
    { ...running, state: 'failed', error },
    { ...running, state: 'succeeded', response: { '@type': 'google.protobuf.Empty' } },
  ] satisfies OperationSnapshot[]) {
    expect(polled(operation)).toEqual({ next: 'return', result: { operation } });
  }
});

test('by timer, a poll is watched while intervals are under 5 s, and returns to the workflow from then on', () => {
  const at = (ageMs: number): string =>
    decide({ ...input, by: 'timer' }, { polled: { operation: running } }, { ...young, ageMs }).decision.next;
  expect([0, 99_999, 100_000].map(at)).toEqual(['poll', 'poll', 'return']);
});

test('a typed failure about the operation ends the wait', () => {
  const failure = ApplicationFailure.nonRetryable('done with neither', 'OperationUnreadable');
  expect(decide(input, { error: failure }, old).decision).toEqual({ next: 'fail', failure });
});
