import { CancelledFailure } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import { operationFailure } from 'temporal-lro';
import type { FaultEffect } from 'temporal-lro/testing';
import { cluster, CREATE, errorOf, startStarts, type StartEnvironment } from './start/environment';
import { execute } from './start/workflows';
import { until } from './support/until';

const KEY = /a start with idempotencyKey [0-9a-f-]{36} finds it/;

let environment: StartEnvironment;
let faults: FaultEffect[] = [];
let calls = 0;
beforeAll(async () => {
  environment = await startStarts();
  environment.cloud.intercept(({ method }) => (method === CREATE ? faults[calls++] : undefined));
});
afterAll(() => environment.stop());

/** Starts the workflow `execute`. The first reply is lost, and later calls fail with the given faults. */
async function start(name: string, later: FaultEffect[]): Promise<WorkflowHandle<typeof execute>> {
  faults = [{ lostReply: true }, ...later];
  calls = 0;
  environment.replies.of(name, () => ({ after: '1 h', response: cluster(name) }));
  return environment.client.workflow.start(execute, {
    ...environment.workflow(),
    args: [CREATE, { name }, { cancelTimeout: '20 s' }],
    retry: { maximumAttempts: 2, initialInterval: '10 ms' },
  });
}

describe('an operation that may have been begun by a start whose reply was lost', () => {
  test.each<[string, FaultEffect, string]>([
    ['a quota', { code: 8, message: 'Quota limit compute.instances.count exceeded' }, 'OperationServiceError'],
    ['a role that was revoked', { code: 7, message: 'Permission denied' }, 'OperationServiceError'],
    ['a token that is refused', { code: 16, message: 'The token is invalid' }, 'OperationServiceError'],
  ])(
    'is not ruled out by %s: the failure gives the key, and no second operation is begun',
    async (name, fault, type) => {
      const handle = await start(name, [fault, fault, fault]);
      const error = await errorOf(handle.result());
      expect(operationFailure(error)).toMatchObject({ type, message: expect.stringMatching(KEY) as string });
      expect(error.cause).toMatchObject({ nonRetryable: true });
      expect(environment.replies.startedOf(name)).toBe(1);
    },
  );

  test('is ruled out by a refusal that the cloud would give to every such request', async () => {
    const handle = await start('wrong', [{ code: 3, message: 'The name is wrong' }]);
    const failure = operationFailure(await errorOf(handle.result()));
    expect(failure).toMatchObject({ codeName: 'INVALID_ARGUMENT' });
    expect(failure?.message).not.toMatch(KEY);
  });

  test.each([
    ['in a back-off', 3],
    ['and the cloud is busy when it is asked again', 6],
  ])('is cancelled with its workflow %s', async (name, busy) => {
    const aborted: FaultEffect = { code: 10, message: 'Busy' };
    const handle = await start(
      name,
      Array.from({ length: busy }, () => aborted),
    );
    await until(() => calls >= 3);
    const cancelled = await environment.cancelledIn(async () => {
      await handle.cancel();
      expect((await errorOf(handle.result())).cause).toBeInstanceOf(CancelledFailure);
    });
    expect(cancelled).toHaveLength(1);
    expect(environment.replies.startedOf(name)).toBe(1);
  });

  test('is reported to a cancelled caller even if the cloud then refuses the start', async () => {
    const busy: FaultEffect = { code: 10, message: 'Busy' };
    const refused: FaultEffect = { code: 7, message: 'Permission denied' };
    const handle = await start('revoked meanwhile', [busy, busy, refused, refused, refused]);
    await until(() => calls >= 3);
    await handle.cancel();
    expect(operationFailure(await errorOf(handle.result()))?.message).toMatch(KEY);
  });
});
