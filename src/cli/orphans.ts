import { checkCloudName } from '../model/options';
import { durationMs } from '../model/check';
import { durationText, operationTitle, stateText } from '../model/texts';
import { CloudDesk } from './cloud-desk';
import { tableLines } from './columns';
import { withClient, type ConnectionOptions } from './connect';
import { findOrphans, type Found, type Orphan } from './find-orphans';
import { inParallel } from './in-parallel';
import { checkedOption, checkTaskQueue } from './names';
import { CommandError, ORPHANS_EXIT_CODE } from './outcome';

export interface OrphansOptions extends ConnectionOptions {
  cloud: string;
  since: string;
  taskQueue: string;
  cancel?: true;
  json?: true;
}

/** An orphan, and with `--cancel` the outcome of its cancellation. */
interface TreatedOrphan extends Orphan {
  cancel?: { ended: boolean; outcome: string };
}

const PARALLEL = 10;

/**
 * Prints the operations still running although the workflows that started or awaited them have closed, and cancels them
 * if asked to. Resolves to the exit code.
 */
export async function runOrphans({
  cloud,
  since,
  taskQueue,
  cancel,
  json,
  ...connection
}: OrphansOptions): Promise<number> {
  checkedOption(() => checkCloudName(cloud));
  checkTaskQueue(taskQueue);
  const sinceMs = checkedOption(() => durationMs('--since', since));
  return withClient(connection, async (client) => {
    const desk = new CloudDesk(client, taskQueue, cloud);
    const found = await findOrphans(client, desk, cloud, Date.now() - sinceMs);
    const treated = cancel ? await cancelOrphans(desk, found) : found.orphans;
    const summary = summaryText(treated, found, cloud, since);
    if (json) {
      for (const orphan of treated) console.log(JSON.stringify({ event: 'orphan', ...orphan }));
      for (const unknown of found.unknown) console.log(JSON.stringify({ event: 'unknown', ...unknown }));
      console.log(JSON.stringify({ event: 'summary', summary, notes: found.notes }));
    } else {
      for (const line of orphanLines(treated, process.stdout.columns)) console.log(line);
      for (const { operationId, problem } of found.unknown)
        console.log(`${operationId} could not be looked up: ${problem}`);
      console.log(summary);
      for (const note of found.notes) console.error(`temporal-lro: ${note}`);
    }
    return orphansExitCode(treated, found);
  });
}

/**
 * Cancels the orphans, and returns each with its outcome. Throws a CommandError if one of them may still be awaited.
 */
export async function cancelOrphans(desk: CloudDesk, { orphans, isSure, notes }: Found): Promise<TreatedOrphan[]> {
  if (orphans.length > 0 && !isSure)
    throw new CommandError(
      `${orphans.length} operations look like orphans, but not every open workflow could be searched for their waits (${notes.join(' ')}), so none was cancelled: cancel them with the cloud's own tools.`,
    );
  const treated: TreatedOrphan[] = [];
  const treat = async (orphan: Orphan): Promise<TreatedOrphan> => ({
    ...orphan,
    cancel: await desk.cancel(orphan.operation.id),
  });
  for await (const one of inParallel(orphans, PARALLEL, treat)) treated.push(one);
  return treated;
}

function orphansExitCode(treated: readonly TreatedOrphan[], { unknown }: Found): number {
  if (treated.some(({ cancel }) => !cancel?.ended)) return ORPHANS_EXIT_CODE;
  return unknown.length > 0 ? 1 : 0;
}

/** Formats the orphans, to fit into the `columns` of a terminal if given. */
export function orphanLines(orphans: readonly TreatedOrphan[], columns?: number): string[] {
  if (orphans.length === 0) return [];
  const isCancelled = orphans.some(({ cancel }) => cancel);
  const rows = orphans.map(({ operation, workflow, cancel }) => [
    operation.id,
    operationTitle(operation).replace(/ \([^()]*\)$/, ''),
    stateText(operation),
    operation.createdAt === undefined ? '-' : durationText(Math.max(0, Date.now() - Date.parse(operation.createdAt))),
    ...(isCancelled ? [cancel?.outcome ?? '-'] : []),
    `${workflow.type} ${workflow.workflowId}`,
    workflow.runId,
    `${workflow.status} ${workflow.closedAt}`,
  ]);
  const head = ['OPERATION', 'WHAT', 'STATE', 'AGE', ...(isCancelled ? ['CANCEL'] : []), 'WORKFLOW', 'RUN', 'CLOSED'];
  return tableLines(head, rows, columns);
}

function summaryText(
  treated: readonly TreatedOrphan[],
  { searched, unknown }: Found,
  cloud: string,
  since: string,
): string {
  const ended = treated.filter(({ cancel }) => cancel?.ended).length;
  const parts = [
    `${count(treated.length, 'operation')} of ${cloud} went on after ${treated.length === 1 ? 'its workflow' : 'their workflows'} had closed`,
    ...(treated.some(({ cancel }) => cancel) ? [`${ended} of them ended by --cancel`] : []),
    ...(unknown.length > 0 ? [`${unknown.length} could not be looked up`] : []),
  ];
  return `${parts.join(', ')}; searched ${count(searched, 'workflow')} closed within ${since}.`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
