import { operationFailure, type OperationFailure } from 'temporal-lro';
import { boundForFailure, boundSnapshot, jsonBytes, MAXIMUM_FAILURE_BYTES } from '../src/model/bounds';
import { toApplicationFailure, withoutContents } from '../src/model/failure';
import type { AnyJson, OperationSnapshot } from '../src/model/snapshot';

const huge = 'x'.repeat(5_000_000);
const any: AnyJson = { '@type': 'type.googleapis.com/x.Y', networkId: 'net-1', text: huge };
const base = { cloud: 'yandex', id: 'op-1' };
const error = { code: 8, codeName: 'RESOURCE_EXHAUSTED', message: 'quota', details: [] };
const small: AnyJson[] = Array.from({ length: 40_000 }, (_, i) => ({ '@type': 'type.googleapis.com/x.Y', i }));

/** Snapshots with one huge part each. */
const HUGE: [string, OperationSnapshot][] = [
  ['a description of 5 MB', { ...base, state: 'running', description: huge }],
  ['a description of emoji', { ...base, state: 'running', description: '🌊'.repeat(2_000_000) }],
  ['a creator of 5 MB', { ...base, state: 'running', createdBy: huge }],
  ['metadata of 5 MB', { ...base, state: 'running', metadata: any }],
  ['metadata of 40,000 fields', { ...base, state: 'running', metadata: { '@type': 'x', ...huge.split('', 40_000) } }],
  ['a message of 5 MB', { ...base, state: 'failed', error: { ...error, message: huge } }],
  ['a detail of 5 MB', { ...base, state: 'failed', error: { ...error, details: [any] } }],
  ['40,000 details', { ...base, state: 'rollingBack', error: { ...error, details: small } }],
  ['a type URL of 5 MB', { ...base, state: 'failed', error: { ...error, details: [{ '@type': huge }] } }],
  [
    '40,000 problems',
    { ...base, state: 'running', problems: small.map(() => ({ path: 'x', problem: huge.slice(0, 100), base64: '' })) },
  ],
];

test.each(HUGE)(
  'a snapshot with %s is cut to a size that an activity can return, and keeps its state',
  (_, operation) => {
    const bounded = boundSnapshot(operation);
    expect(jsonBytes(bounded)).toBeLessThan(MAXIMUM_FAILURE_BYTES);
    expect(bounded).toMatchObject({ ...base, state: operation.state });
  },
);

test.each(HUGE)(
  'a failure about an operation with %s is cut as well, and keeps every field that its type declares',
  (_, operation) => {
    const about: OperationFailure = {
      type: 'OperationTimedOut',
      message: huge,
      details: small,
      operationId: 'op-1',
      ...base,
      operation,
    };
    const failure = toApplicationFailure(about);
    expect(jsonBytes(failure.details)).toBeLessThanOrEqual(MAXIMUM_FAILURE_BYTES);
    expect(failure.message.length).toBeLessThan(5_000);
    expect(operationFailure(failure)).toMatchObject({ operationId: 'op-1', operation: { state: operation.state } });
  },
);

test('metadata that are too large keep their short fields, such as the ID of a resource to clean up', () => {
  const bounded = boundSnapshot({ ...base, state: 'running', metadata: any });
  expect(bounded.metadata).toEqual({
    '@type': any['@type'],
    networkId: 'net-1',
    problem: expect.stringMatching(/^left out: 50000\d\d bytes of JSON/) as string,
  });
});

test('a response is never replaced in a result, but is replaced in a failure when it is large', () => {
  const succeeded: OperationSnapshot = { ...base, state: 'succeeded', response: any };
  expect(boundSnapshot(succeeded)).toEqual(succeeded);
  expect(boundForFailure(succeeded)).toMatchObject({ response: { networkId: 'net-1' } });
});

test('values of ordinary size are not changed', () => {
  const operation: OperationSnapshot = {
    ...base,
    state: 'failed',
    description: 'Create network',
    metadata: { '@type': 'x', networkId: 'net-1' },
    error: { ...error, details: small.slice(0, 50) },
  };
  expect(boundForFailure(operation)).toEqual(operation);
});

test('a failure without contents keeps its type, its code, its texts and whether it is retryable', () => {
  const failed: OperationSnapshot & { state: 'failed' } = { ...base, state: 'failed', metadata: any, error };
  const about: OperationFailure = {
    type: 'OperationFailed',
    operationId: 'op-1',
    ...base,
    ...error,
    operation: failed,
  };
  const light = withoutContents(toApplicationFailure(about, false));
  expect(light).toMatchObject({ type: 'OperationFailed', message: 'quota', nonRetryable: false });
  expect(operationFailure(light)).toMatchObject({ code: 8, operation: { ...base, state: 'failed', error } });
  expect(jsonBytes(light?.details)).toBeLessThan(500);
});
