import { condition, setHandler } from '@temporalio/workflow';
import { operationQuery, pollOperation } from 'temporal-lro/workflow';
import type { ShownOperation } from '../../src/model/snapshot';

/** Stands in for a wait whose polls are refused: answers with its arguments. */
export async function awaitOperation({ cloud, operationId }: { cloud: string; operationId: string }): Promise<void> {
  const operation: ShownOperation = {
    cloud,
    id: operationId,
    state: 'running',
    description: 'Create cluster',
    lastPolledAt: '2026-01-01T00:00:00.000Z',
    pollError: {
      code: 7,
      codeName: 'PERMISSION_DENIED',
      message: 'no role',
      since: '2026-01-01T00:01:00.000Z',
      nextPollAt: '2026-01-01T00:06:00.000Z',
    },
  };
  setHandler(operationQuery, () => operation);
  setHandler(pollOperation, () => operation);
  await condition(() => false);
}
