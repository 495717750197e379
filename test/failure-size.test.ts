import { operationFailure } from 'temporal-lro';
import { toApplicationFailure } from '../src/model/failure';

const large = { '@type': 'type.googleapis.com/x.Large', text: 'x'.repeat(300_000) };
const status = { code: 8, codeName: 'RESOURCE_EXHAUSTED', message: 'quota' } as const;

test.each([
  ['the metadata', { metadata: large }, [], []],
  [
    'the problems of its values',
    { metadata: large, problems: [{ path: 'metadata.id', problem: 'p', base64: 'x'.repeat(4_000) }] },
    [],
    [],
  ],
  ['the details in the operation', {}, [], [large]],
  ['all details', {}, Array<typeof large>(300).fill({ ...large, text: 'x'.repeat(1_000) }), []],
])('a failure too large for Temporal keeps why the operation failed, without %s', (_, more, details, inOperation) => {
  const error = { ...status, details: inOperation };
  const failure = operationFailure(
    toApplicationFailure({
      type: 'OperationFailed',
      cloud: 'yandex',
      operationId: 'x',
      ...status,
      details,
      operation: { cloud: 'yandex', id: 'x', state: 'failed', ...more, error },
    }),
  );
  expect(failure).toMatchObject({
    ...status,
    details: [],
    operation: { id: 'x', state: 'failed', error: { ...status, details: [] } },
  });
  expect(JSON.stringify(failure).length).toBeLessThan(1_000);
});
