import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { operationQuery, pollOperation } from '../../workflows/messages';
import { isDone, type ShownOperation } from '../model/snapshot';
import { operationTitle, stateText } from '../model/texts';
import { ANSWER_MS, reason, unknownWait, type Wait, waitOf } from './attend';
import type { WaitCommandOptions } from './cancel';
import { withClient } from './connect';
import { waitId } from './names';
import { CommandError } from './outcome';
import { unreadableError } from './payloads';
import { isSeen, pendingProblem, problemText, toldProblem, type PollProblem } from './poll-problem';

/** What is known about an operation. */
export interface Look {
  workflowId: string;
  /** The status of the workflow that awaits the operation. */
  status: string;
  /** The operation as the wait last saw it; undefined if no poll has returned. */
  operation?: ShownOperation;
  problem?: PollProblem;
  /** Why the state is not known now, and what to do. */
  unknown?: string;
}

/** Prints an operation as its wait last saw it. Resolves to the exit code. */
export async function runGet(operationId: string, options: WaitCommandOptions): Promise<number> {
  waitId(options.cloud, operationId);
  return withClient(options, async (client) => {
    const look = await lookAt(client, operationId, options.cloud);
    if (options.json) console.log(JSON.stringify(lookJson(look, operationId, options.cloud)));
    else for (const line of lookLines(look, operationId)) console.log(line);
    return 0;
  });
}

/** Queries the wait. If the wait has not seen the operation yet, requests a poll. */
export async function lookAt(client: Client, operationId: string, cloud: string, answerMs = ANSWER_MS): Promise<Look> {
  const wait = waitOf(client, cloud, operationId);
  const description = await wait.describe().catch(unknownWait(cloud, operationId));
  const workflowId = wait.workflowId;
  const status = description.status.name;
  const isOpen = status === 'RUNNING';
  const shown = await queried(client, wait, description);
  const problem = toldProblem(shown) ?? (isOpen ? await pendingProblem(client, description) : undefined);
  const told = { workflowId, status, ...(problem && { problem }) };
  if (isDone(shown)) return { ...told, operation: shown };
  if (!isOpen) {
    const unknown = `its wait has ended (${status}), so nothing polls it. Run "temporal-lro await ${operationId} --cloud ${cloud}" to wait again`;
    return { ...told, ...(isSeen(shown) && { operation: shown }), unknown };
  }
  if (isSeen(shown)) return { ...told, operation: shown };
  return { ...told, ...(await polled(client, wait, answerMs)) };
}

async function queried(client: Client, wait: Wait, description: WorkflowExecutionDescription): Promise<ShownOperation> {
  try {
    return await client.withDeadline(Date.now() + 2 * ANSWER_MS, () => wait.query(operationQuery));
  } catch (err) {
    const unreadable = err instanceof CommandError ? err : unreadableError(err);
    if (unreadable) throw unreadable;
    const problem = await pendingProblem(client, description);
    const why = problem ? ` The operation cannot be polled: ${problemText(problem)}.` : '';
    throw new CommandError(
      `The state is not known, since workflow ${wait.workflowId} (${description.status.name}) does not answer a query: ${reason(err)}. Check that a worker runs on its task queue.${why}`,
    );
  }
}

/** Requests a poll, and returns the operation, or why it could not be polled. */
async function polled(client: Client, wait: Wait, answerMs: number): Promise<Partial<Look>> {
  try {
    const signal = AbortSignal.timeout(answerMs);
    return { operation: await client.withAbortSignal(signal, () => wait.executeUpdate(pollOperation)) };
  } catch (err) {
    const unreadable = err instanceof CommandError ? err : unreadableError(err);
    if (unreadable) throw unreadable;
    const problem = await pendingProblem(client, await wait.describe());
    const unknown = `it has not been polled yet${problem ? '' : ` (${reason(err)})`}. Fix the problem, or try again later`;
    return { unknown, ...(problem && { problem }) };
  }
}

/**
 * The snapshot as JSON. If the state is not known, `state` is null, `unknown.reason` says why, and `lastSeen` is the
 * operation as last seen before its wait ended.
 */
export function lookJson({ operation, problem, unknown }: Look, id: string, cloud: string): object {
  // The snapshot may already contain the problem.
  const pollProblem = problem && !operation?.pollError ? { pollProblem: problem } : {};
  if (unknown === undefined) return { ...operation, ...pollProblem };
  return {
    cloud,
    id,
    state: null,
    unknown: { reason: unknown },
    ...pollProblem,
    ...(operation && { lastSeen: operation }),
  };
}

export function lookLines({ operation, problem, unknown, status, workflowId }: Look, id: string): string[] {
  const field = (name: string, value?: string): string[] => (value ? [`  ${name.padEnd(10)}${value}`] : []);
  const { createdAt, createdBy, modifiedAt, lastPolledAt } = operation ?? {};
  const seen = operation && `${stateText(operation)}${lastPolledAt && !isDone(operation) ? ` at ${lastPolledAt}` : ''}`;
  return [
    operationTitle(operation ?? { id }),
    ...field('State', unknown === undefined ? seen : `not known: ${unknown}`),
    ...(unknown === undefined ? [] : field('Last seen', seen)),
    ...field('Polls', problem && `cannot be made: ${problemText(problem)}`),
    ...field('Began', createdAt && `${createdAt}${createdBy ? ` by ${createdBy}` : ''}`),
    ...field('Modified', modifiedAt),
    ...field('Workflow', `${workflowId} (${status})`),
    ...(operation?.state === 'succeeded' ? [JSON.stringify(operation.response, undefined, 2)] : []),
  ];
}
