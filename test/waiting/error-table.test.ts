import { ApplicationFailure } from '@temporalio/common';
import { operationFailure } from 'temporal-lro';
import { decide, type Decision, type GetInput, type PollContext } from '../../src/cloud/decide';
import { OperationServiceError } from '../../src/cloud/error';
import { loadDescriptors } from '../../src/descriptors/load';
import { resolveWaitOptions } from '../../src/model/options';
import type { AnyJson, OperationSnapshot } from '../../src/model/snapshot';
import { statusCode, type StatusCodeName } from '../../src/model/status-code';

const MINUTE = 60_000;
const { schedule } = resolveWaitOptions();
const look: GetInput = { cloud: 'yandex', operationId: 'op-1', startedAtMs: 0, schedule };
const input: GetInput = { ...look, by: 'activityRetry' };
const young: PollContext = { ageMs: 10_000, failures: 1, notFound: 0, random: 0.5, registry: loadDescriptors() };
const old: PollContext = { ...young, ageMs: 10 * MINUTE };

function failed(codeName: StatusCodeName | number, context: PollContext, details: AnyJson[] = []): Decision {
  const code = typeof codeName === 'number' ? codeName : statusCode(codeName);
  return decide(input, { error: new OperationServiceError('Get of op-1', { code, message: 'no', details }) }, context);
}

function polled(operation: OperationSnapshot, given: Partial<GetInput> = {}, hintMs?: number): Decision {
  const polled = hintMs === undefined ? { operation } : { operation, hintMs };
  return decide({ ...input, ...given }, { polled }, young);
}

function failureType(decision: Decision): string | null | undefined {
  return decision.next === 'fail' ? decision.failure.type : undefined;
}

/** What a code means for a wait in its first minute, and later. */
const TABLE: Record<Exclude<StatusCodeName, 'OK'>, [young: string, old: string]> = {
  CANCELLED: ['poll', 'poll'],
  UNKNOWN: ['poll', 'poll'],
  INVALID_ARGUMENT: ['OperationServiceError', 'poll'],
  DEADLINE_EXCEEDED: ['poll', 'poll'],
  NOT_FOUND: ['poll', 'OperationNotFound'],
  ALREADY_EXISTS: ['OperationServiceError', 'poll'],
  PERMISSION_DENIED: ['OperationServiceError', 'poll'],
  RESOURCE_EXHAUSTED: ['poll', 'poll'],
  FAILED_PRECONDITION: ['OperationServiceError', 'poll'],
  ABORTED: ['poll', 'poll'],
  OUT_OF_RANGE: ['OperationServiceError', 'poll'],
  UNIMPLEMENTED: ['OperationServiceError', 'poll'],
  INTERNAL: ['poll', 'poll'],
  UNAVAILABLE: ['poll', 'poll'],
  DATA_LOSS: ['OperationServiceError', 'poll'],
  UNAUTHENTICATED: ['OperationServiceError', 'poll'],
};

test.each(Object.entries(TABLE))('%s: in the first minute %j, later the second', (codeName, [whenYoung, whenOld]) => {
  const code = codeName as StatusCodeName;
  expect(failureType(failed(code, young)) ?? 'poll').toBe(whenYoung);
  expect(failureType(failed(code, old)) ?? 'poll').toBe(whenOld);
});

test('a code that google.rpc.Code does not have, and an error without one, are trouble in transit', () => {
  expect(failed(77, old)).toMatchObject({ next: 'poll' });
  expect(decide(input, { error: new Error('abandoned') }, old)).toMatchObject({
    next: 'poll',
    message: 'yandex operation op-1 could not be polled: abandoned',
  });
});

test('NOT_FOUND is forgiven for three polls in a row of a young wait; the fourth is final and typed', () => {
  const nexts = [1, 2, 3, 4].map((notFound) => failureType(failed('NOT_FOUND', { ...young, notFound })));
  expect(nexts).toEqual([undefined, undefined, undefined, 'OperationNotFound']);
  const decision = failed('NOT_FOUND', { ...young, notFound: 4 });
  expect(decision.next === 'fail' && operationFailure(decision.failure)).toMatchObject({
    type: 'OperationNotFound',
    cloud: 'yandex',
    operationId: 'op-1',
  });
  expect(decision.next === 'fail' && decision.failure.nonRetryable).toBe(true);
});

test('what a deploy or a key can break is waited out at the maximum interval, jittered, once a wait is a minute old', () => {
  const intervals = [0, 0.5, 0.999].map((random) => failed('PERMISSION_DENIED', { ...old, random }));
  expect(intervals).toMatchObject([{ intervalMs: 240_000 }, { intervalMs: 300_000 }, { intervalMs: 359_880 }]);
});

test('a refusal of a young wait carries the code and the text of the cloud', () => {
  const decision = failed('PERMISSION_DENIED', young);
  expect(decision.next === 'fail' && operationFailure(decision.failure)).toMatchObject({
    type: 'OperationServiceError',
    code: 7,
    codeName: 'PERMISSION_DENIED',
    message: 'Get of op-1: PERMISSION_DENIED: no',
  });
});

test('polls that fail in a row grow apart, up to fourfold', () => {
  const at = (failures: number): Decision => failed('UNAVAILABLE', { ...young, failures, random: 0 });
  expect([1, 2, 3, 4, 100].map(at)).toMatchObject([
    { intervalMs: 800 },
    { intervalMs: 2000 },
    { intervalMs: 4000 },
    { intervalMs: 4000 },
    { intervalMs: 4000 },
  ]);
});

test('RESOURCE_EXHAUSTED slows down at once', () => {
  expect(failed('RESOURCE_EXHAUSTED', { ...old, random: 0 })).toMatchObject({ intervalMs: 60_000 });
});

test('google.rpc.RetryInfo is heeded, up to four maximum intervals', () => {
  const info = (retryDelay: string): AnyJson[] => [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay }];
  const at = (delay: string): Decision => failed('UNAVAILABLE', { ...young, random: 0 }, info(delay));
  expect(at('7.5s')).toMatchObject({ intervalMs: 7500 });
  expect(at('86400s')).toMatchObject({ intervalMs: 1_200_000 });
  expect(at('-5s')).toMatchObject({ intervalMs: 800 });
  expect(at('soon')).toMatchObject({ intervalMs: 800 });
});

const running: OperationSnapshot = { cloud: 'yandex', id: 'op-1', state: 'running' };
const error = { code: 8, codeName: 'RESOURCE_EXHAUSTED', message: 'quota', details: [] };

test('a hint of the server raises the interval, and one of hours is bounded, also on its way to a workflow', () => {
  expect(polled(running, {}, 7000)).toMatchObject({ next: 'poll', intervalMs: 7700 });
  expect(polled(running, {}, 86_400_000)).toMatchObject({ next: 'poll', intervalMs: 1_200_000 });
  for (const hintMs of [86_400_000, Infinity]) {
    expect(decide(look, { polled: { operation: running, hintMs } }, young)).toEqual({
      next: 'return',
      result: { operation: running, hintMs: 1_200_000 },
    });
  }
});

test('an operation that rolls back is waited out, or returned at once where the caller says so', () => {
  const operation: OperationSnapshot = { ...running, state: 'rollingBack', error };
  expect(polled(operation)).toMatchObject({
    next: 'poll',
    message: 'yandex operation op-1 is rolling back after RESOURCE_EXHAUSTED: quota',
  });
  expect(polled(operation, { onRollback: 'fail' })).toEqual({ next: 'return', result: { operation } });
});

test('an operation that is done is returned, whichever way it ended', () => {
  for (const operation of [
    { ...running, state: 'failed', error },
    { ...running, state: 'succeeded', response: { '@type': 'google.protobuf.Empty' } },
  ] satisfies OperationSnapshot[]) {
    expect(polled(operation)).toEqual({ next: 'return', result: { operation } });
  }
});

test('by timer, a poll is watched while intervals are under 5 s and returned to the workflow from then on', () => {
  const at = (ageMs: number): string =>
    decide({ ...input, by: 'timer' }, { polled: { operation: running } }, { ...young, ageMs }).next;
  expect([0, 99_999, 100_000].map(at)).toEqual(['poll', 'poll', 'return']);
});

test('a failure of our own about the operation ends the wait', () => {
  const failure = ApplicationFailure.nonRetryable('done with neither', 'OperationUnreadable');
  expect(decide(input, { error: failure }, old)).toEqual({ next: 'fail', failure });
});
