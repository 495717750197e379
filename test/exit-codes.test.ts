import { EXIT_CODES, workflowOutcome } from '../src/cli/outcome';
import { toApplicationFailure } from '../src/model/failure';

test('a wait whose operation could not be cancelled makes exit code 6', async () => {
  const failure = toApplicationFailure({
    type: 'OperationStillRunning',
    cloud: 'yandex',
    operationId: 'x',
    message: 'x is still running',
    details: [],
  });
  const { outcome } = await workflowOutcome(Promise.reject(failure));
  expect(EXIT_CODES[outcome]).toBe(6);
});
