import { inspect } from 'util';
import type { Client } from '@temporalio/client';
import type { SeenOperation } from './progress';
import type { Provisioned } from './workflows';

/** What the workflow of a cloud returned. */
export type Returned = Partial<Pick<Provisioned, 'failures'>>;

/** What the demo prints at the end. */
export interface Report {
  workflowId: string;
  returned: Returned;
  operations: SeenOperation[];
  client: Client;
  uiUrl?: string;
}

export async function report({ workflowId, returned, operations, client, uiUrl }: Report): Promise<string> {
  const { failures = [], ...created } = returned;
  const ran = [await describe(client, workflowId, uiUrl)];
  for (const child of await childrenOf(client, workflowId)) ran.push(await describe(client, child, uiUrl));
  const polls = operations.reduce((sum, operation) => sum + operation.polls, 0);
  const events = ran.reduce((sum, run) => sum + run.events, 0);
  return [
    heading('What the workflow returned, unpacked'),
    pretty(created),
    ...(failures.length > 0
      ? [
          heading('The failure, as the workflow caught it from the child'),
          // Omit the operation as last seen, which would be the longest part.
          pretty(failures.map(({ operation: _, ...failure }) => failure)),
        ]
      : []),
    heading(
      `${count(operations.length, 'operation')} took ${count(polls, 'poll')}, ` +
        `${count(ran.length, 'workflow')} took ${count(events, 'history event')}`,
    ),
    ...ran.map(
      (run) => `${String(run.events).padStart(4)} events  ${run.type} ${run.status}\n             ${run.link}`,
    ),
  ].join('\n');
}

interface Run {
  type: string;
  status: string;
  events: number;
  link: string;
}

/** Returns the IDs of the workflow's children. */
async function childrenOf(client: Client, workflowId: string): Promise<string[]> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap(
    (event) => event.childWorkflowExecutionStartedEventAttributes?.workflowExecution?.workflowId ?? [],
  );
}

async function describe(client: Client, workflowId: string, uiUrl: string | undefined): Promise<Run> {
  const { type, status, historyLength, runId } = await client.workflow.getHandle(workflowId).describe();
  const path = ['namespaces', client.options.namespace, 'workflows', workflowId, runId].map(encodeURIComponent);
  return {
    type,
    status: status.name,
    events: historyLength,
    link: uiUrl ? `${uiUrl}/${path.join('/')}` : workflowId,
  };
}

function heading(text: string): string {
  return `\n${text}\n${'─'.repeat(text.length)}`;
}

function count(number: number, name: string): string {
  return `${number} ${name}${number === 1 ? '' : 's'}`;
}

function pretty(value: unknown): string {
  return inspect(value, { depth: Infinity, compact: 6, breakLength: 120, maxStringLength: Infinity });
}
