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

/** A wait that runs. What its workflow does not tell is left out. */
export interface ListedWait {
  cloud?: string;
  operationId?: string;
  /** By search attributes; left out where the wait was started without them. */
  state?: string;
  resource?: string;
  startedAt: string;
  workflowId: string;
}

/** Histories are read for what neither a workflow's ID nor its search attributes tell; of so many waits at most. */
export const LIST_LIMITS = { histories: 1_000, pageSize: 1_000 };
/** Of a history: the operation is in its input, or what the first activities gave. */
const MAXIMUM_EVENTS = 100;
const PARALLEL = 10;

/** Prints the waits that run now, the oldest first. Resolves to the exit code. */
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

/** The waits of the workflow types that run now, whatever their IDs, the oldest first; and what could not be found out. */
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
  if (unreadable.length > 1) notes.push(`It is the same with ${unreadable.length - 1} other workflows.`);
  if (histories > limits.histories) {
    const rest = histories - limits.histories;
    notes.push(
      `${rest} of these waits were not looked into, so their operations are not known: give waits the ID operation/<cloud>/<operation>, or search attributes.`,
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

/** By the input of the workflow, and of one that starts its operation by what the cloud answered. */
async function fromHistory(
  client: Client,
  { workflowId, runId }: WorkflowExecutionInfo,
): Promise<Pick<ListedWait, 'cloud' | 'operationId'>> {
  const { cloud, operations } = await operationsOf(client, { workflowId, runId }, MAXIMUM_EVENTS);
  const operation = operations.find((one) => one.cloud === cloud);
  return { ...(cloud !== undefined && { cloud }), ...(operation && { operationId: operation.id }) };
}

/** Within `columns`, if given: that is what a terminal has. */
export function waitLines(waits: readonly ListedWait[], columns?: number): string[] {
  const isNamed = ({ cloud = '', operationId = '', workflowId }: ListedWait): boolean =>
    workflowId === operationWorkflowId(cloud, operationId);
  // Only where it says more than the operation does.
  const hasIds = !waits.every(isNamed);
  const rows = waits.map((wait) => [
    ...[wait.cloud, wait.operationId, wait.state, wait.resource].map((cell) => cell ?? '-'),
    durationText(Math.max(0, Date.now() - Date.parse(wait.startedAt))),
    ...(hasIds ? [isNamed(wait) ? '-' : wait.workflowId] : []),
  ]);
  const head = ['CLOUD', 'OPERATION', 'STATE', 'RESOURCE', 'WAITING', ...(hasIds ? ['WORKFLOW'] : [])];
  return tableLines(head, rows, columns);
}
