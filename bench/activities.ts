import { Context, sleep } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { OperationsClient } from 'temporal-lro';

let client: OperationsClient | undefined;

/** Call it once, before the activities. */
export function connect(endpoint: string): void {
  client = OperationsClient.connect({ endpoint, plaintext: true });
}

export async function isDone(operationId: string): Promise<boolean> {
  const { state } = (await client?.get(operationId)) ?? { state: 'running' };
  return state === 'succeeded' || state === 'failed';
}

export async function failUntilDone(operationId: string): Promise<void> {
  if (!(await isDone(operationId))) throw ApplicationFailure.create({ message: 'still running', category: 'BENIGN' });
}

export async function loopUntilDone(operationId: string): Promise<void> {
  while (!(await isDone(operationId))) {
    Context.current().heartbeat();
    await sleep('1 s');
  }
}
