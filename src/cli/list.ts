import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import {
  OPERATION_CLOUD,
  OPERATION_ID,
  OPERATION_RESOURCE,
  OPERATION_STATE,
  operationWorkflowId,
} from '../model/names';
import { checkCloudName } from '../model/options';
import { durationText } from '../model/texts';
import { tableLines } from './columns';
import { withClient, type ConnectionOptions } from './connect';
import { operationsOf } from './history';
import { inParallel } from './in-parallel';
import { checkedOption } from './names';
import { CommandError } from './outcome';

export interface ListOptions extends ConnectionOptions {
  cloud?: string;
  json?: true;
}

/** A running wait. Fields that its workflow does not reveal are left out. */
export interface ListedWait {
  cloud?: string;
  operationId?: string;
  /** From search attributes; left out if the wait was started without them. */
  state?: string;
  resource?: string;
  startedAt: string;
  workflowId: string;
}

/** Limits how many histories are read, for waits whose ID and search attributes do not name the operation. */
export const LIST_LIMITS = { histories: 1_000, pageSize: 1_000 };
/** How many events of a history are read: the operation is in the input or in the first activity results. */
const MAXIMUM_EVENTS = 100;
const PARALLEL = 10;

/** Prints the running waits, oldest first. Resolves to the exit code. */
export async function runList({ cloud, json, ...connection }: ListOptions): Promise<number> {
  if (cloud !== undefined) checkedOption(() => checkCloudName(cloud));
  return withClient(connection, async (client) => {
    const { waits, notes } = await listWaits(client, cloud);
    if (json) for (const wait of waits) console.log(JSON.stringify(wait));
    else for (const line of waitLines(waits, process.stdout.columns)) console.log(line);
    for (const note of notes) console.error(`temporal-lro: ${note}`);
    return 0;
  });
}

/**
 * Returns the running workflows of our types, whatever their IDs, oldest first, and notes on what could not be read.
 */
export async function listWaits(
  client: Client,
  cloud?: string,
  limits: typeof LIST_LIMITS = LIST_LIMITS,
): Promise<{ waits: ListedWait[]; notes: string[] }> {
  const query = `WorkflowType IN ('awaitOperation', 'executeOperation') AND ExecutionStatus = 'Running'`;
  const found: ListedWait[] = [];
  const unreadable: string[] = [];
  let histories = 0;
  const complete = async (workflow: WorkflowExecutionInfo): Promise<ListedWait> => {
    const wait = listed(workflow);
    if (wait.cloud !== undefined && wait.operationId !== undefined) return wait;
    if (histories++ >= limits.histories) return wait;
    try {
      return { ...wait, ...(await fromHistory(client, workflow)) };
    } catch (err) {
      if (!(err instanceof CommandError)) throw err;
      unreadable.push(err.message);
      return wait;
    }
  };
  for await (const wait of inParallel(client.workflow.list({ query, pageSize: limits.pageSize }), PARALLEL, complete))
    found.push(wait);
  const notes = unreadable.slice(0, 1);
  if (unreadable.length > 1) notes.push(`${unreadable.length - 1} more workflows have the same problem.`);
  if (histories > limits.histories) {
    const rest = histories - limits.histories;
    notes.push(
      `${rest} of these waits were not inspected, so their operations are not known: give waits the ID operation/<cloud>/<operation>, or search attributes.`,
    );
  }
  const waits = found.filter((wait) => cloud === undefined || wait.cloud === undefined || wait.cloud === cloud);
  waits.sort((a, b) => a.startedAt.localeCompare(b.startedAt));
  return { waits, notes };
}

function listed({ workflowId, type, startTime, typedSearchAttributes }: WorkflowExecutionInfo): ListedWait {
  const attribute = (key: typeof OPERATION_CLOUD): string | undefined => typedSearchAttributes.get(key) || undefined;
  const [, idCloud, idOperation] =
    (type === 'awaitOperation' ? /^operation\/([\w.-]{1,64})\/(.+)$/s.exec(workflowId) : null) ?? [];
  const [cloud, operationId] = [attribute(OPERATION_CLOUD) ?? idCloud, attribute(OPERATION_ID) ?? idOperation];
  const [state, resource] = [attribute(OPERATION_STATE), attribute(OPERATION_RESOURCE)];
  return {
    ...(cloud !== undefined && { cloud }),
    ...(operationId !== undefined && { operationId }),
    ...(state !== undefined && { state }),
    ...(resource !== undefined && { resource }),
    startedAt: startTime.toISOString(),
    workflowId,
  };
}

/** Reads the operation from the workflow's input, or from the reply to its start. */
async function fromHistory(
  client: Client,
  { workflowId, runId }: WorkflowExecutionInfo,
): Promise<Pick<ListedWait, 'cloud' | 'operationId'>> {
  const { cloud, operations } = await operationsOf(client, { workflowId, runId }, MAXIMUM_EVENTS);
  const operation = operations.find((one) => one.cloud === cloud);
  return { ...(cloud !== undefined && { cloud }), ...(operation && { operationId: operation.id }) };
}

/** Formats the waits, to fit into the `columns` of a terminal if given. */
export function waitLines(waits: readonly ListedWait[], columns?: number): string[] {
  const isNamed = ({ cloud = '', operationId = '', workflowId }: ListedWait): boolean =>
    workflowId === operationWorkflowId(cloud, operationId);
  // Show workflow IDs only if they differ from the default ones.
  const hasIds = !waits.every(isNamed);
  const rows = waits.map((wait) => [
    ...[wait.cloud, wait.operationId, wait.state, wait.resource].map((cell) => cell ?? '-'),
    durationText(Math.max(0, Date.now() - Date.parse(wait.startedAt))),
    ...(hasIds ? [isNamed(wait) ? '-' : wait.workflowId] : []),
  ]);
  const head = ['CLOUD', 'OPERATION', 'STATE', 'RESOURCE', 'WAITING', ...(hasIds ? ['WORKFLOW'] : [])];
  return tableLines(head, rows, columns);
}
