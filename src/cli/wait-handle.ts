import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Wait } from './attend';
import { waitId } from './names';
import { CommandError } from './outcome';

/** The workflow that awaits an operation, whether it exists or not. */
export function waitOf(client: Client, cloud: string, operationId: string): Wait {
  return client.workflow.getHandle(waitId(cloud, operationId));
}

/** Handles the rejection of a call to a wait: throws a CommandError if nothing awaits the operation. */
export function unknownWait(cloud: string, operationId: string): (err: unknown) => never {
  return (err) => {
    if (!(err instanceof WorkflowNotFoundError)) throw err;
    const id = waitId(cloud, operationId);
    throw new CommandError(`Nothing awaits that operation: no workflow ${id}. "temporal-lro await" starts one.`);
  };
}
