import { WorkflowNotFoundError, type Client, type WorkflowExecutionInfo } from '@temporalio/client';
import { operationQuery } from '../../workflows/messages';
import { operationWorkflowId } from '../model/names';
import { checkCloudName, checkOperationId, OptionError } from '../model/options';
import { OPERATION_RESOURCE, OPERATION_STATE } from '../model/search-attributes';
import { durationText, operationTitle, stateText } from '../model/texts';
import { attend, type Wait } from './attend';
import { withClient, type ConnectionOptions } from './connect';
import { createDisplay } from './display';
import { CommandError, COMPLETED_EXIT_CODE, DETACHED_EXIT_CODE, EXIT_CODES } from './outcome';

export interface WaitCommandOptions extends ConnectionOptions {
  cloud: string;
  json?: true;
}

/** The id of the workflow that awaits an operation; throws a CommandError for what cannot be one. */
export function waitId(cloud: string, operationId: string): string {
  try {
    return operationWorkflowId(checkCloudName(cloud), checkOperationId(operationId));
  } catch (err) {
    throw err instanceof OptionError ? new CommandError(err.message) : err;
  }
}

/** Prints an operation as its wait last saw it. */
export async function runGet(operationId: string, { cloud, json, ...connection }: WaitCommandOptions): Promise<void> {
  await withClient(connection, async (client) => {
    const wait = getWait(client, cloud, operationId);
    const { status } = await wait.describe().catch(unknownWait(cloud, operationId));
    const operation = await wait.query(operationQuery).catch((err: unknown) => {
      throw new CommandError(
        `Workflow ${wait.workflowId} (${status.name}) does not answer: ${err instanceof Error ? err.message : String(err)}. A query needs a worker on its task queue.`,
      );
    });
    if (json) return console.log(JSON.stringify(operation));
    const { createdAt, createdBy, modifiedAt } = operation;
    console.log(operationTitle(operation));
    const field = (name: string, value?: string): void => void (value && console.log(`  ${name.padEnd(10)}${value}`));
    field('State', stateText(operation));
    field('Began', createdAt && `${createdAt}${createdBy ? ` by ${createdBy}` : ''}`);
    field('Modified', modifiedAt);
    field('Workflow', `${wait.workflowId} (${status.name})`);
    if (operation.state === 'succeeded') console.log(JSON.stringify(operation.response, undefined, 2));
  });
}

/** Cancels a wait and with it the operation, and shows what becomes of it. */
export async function runCancel(operationId: string, options: WaitCommandOptions): Promise<void> {
  await withClient(options, async (client) => {
    const wait = getWait(client, options.cloud, operationId);
    await wait.cancel().catch(unknownWait(options.cloud, operationId));
    const comeBack = `temporal-lro await ${operationId} --cloud ${options.cloud}`;
    const display = createDisplay(operationId, options);
    const outcome = await attend(client, wait, display, { comeBack, onInterrupt: 'detach' });
    if (outcome === 'detached') process.exitCode = DETACHED_EXIT_CODE;
    else if (outcome.outcome === 'cancelled') process.exitCode = 0;
    else process.exitCode = outcome.outcome === 'succeeded' ? COMPLETED_EXIT_CODE : EXIT_CODES[outcome.outcome];
  });
}

export interface ListOptions extends ConnectionOptions {
  cloud?: string;
  json?: true;
}

/** Prints the waits that run now, the oldest first. */
export async function runList({ cloud, json, ...connection }: ListOptions): Promise<void> {
  await withClient(connection, async (client) => {
    const prefix = cloud === undefined ? 'operation/' : waitId(cloud, 'x').slice(0, -1);
    const query = `WorkflowType = 'awaitOperation' AND ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH '${prefix}'`;
    const waits: ListedWait[] = [];
    for await (const workflow of client.workflow.list({ query })) waits.push(listed(workflow));
    waits.sort((a, b) => a.startedAt.localeCompare(b.startedAt));
    if (json) for (const wait of waits) console.log(JSON.stringify(wait));
    else printTable(waits);
  });
}

interface ListedWait {
  cloud: string;
  operationId: string;
  /** By search attributes; left out where the wait was started without them. */
  state?: string;
  resource?: string;
  startedAt: string;
  workflowId: string;
}

function listed({ workflowId, startTime, typedSearchAttributes }: WorkflowExecutionInfo): ListedWait {
  const [, cloud = '', ...rest] = workflowId.split('/');
  const state = typedSearchAttributes.get(OPERATION_STATE);
  const resource = typedSearchAttributes.get(OPERATION_RESOURCE);
  return {
    cloud,
    operationId: rest.join('/'),
    ...(state && { state }),
    ...(resource && { resource }),
    startedAt: startTime.toISOString(),
    workflowId,
  };
}

function printTable(waits: ListedWait[]): void {
  const rows = waits.map(({ cloud, operationId, state = '-', resource = '-', startedAt }) => [
    cloud,
    operationId,
    state,
    resource,
    durationText(Math.max(0, Date.now() - Date.parse(startedAt))),
  ]);
  const table = [['CLOUD', 'OPERATION', 'STATE', 'RESOURCE', 'WAITING'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  for (const row of table) console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
}

function getWait(client: Client, cloud: string, operationId: string): Wait {
  return client.workflow.getHandle(waitId(cloud, operationId));
}

function unknownWait(cloud: string, operationId: string): (err: unknown) => never {
  return (err) => {
    if (!(err instanceof WorkflowNotFoundError)) throw err;
    const id = operationWorkflowId(cloud, operationId);
    throw new CommandError(`Nothing awaits that operation: no workflow ${id}. "temporal-lro await" starts one.`);
  };
}
