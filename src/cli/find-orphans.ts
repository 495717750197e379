import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { isDone, type OperationSnapshot } from '../model/snapshot';
import type { CloudDesk } from './cloud-desk';
import { isNotFound } from './connect';
import { operationsOf, type RunOperations } from './history';
import { inParallel } from './in-parallel';

/** An operation still running although the workflow that started or awaited it has closed. */
export interface Orphan {
  operation: OperationSnapshot;
  /** The workflow; of several, the one that closed last. */
  workflow: ClosedWorkflow;
}

interface ClosedWorkflow {
  type: string;
  workflowId: string;
  runId: string;
  status: string;
  closedAt: string;
}

export interface Found {
  orphans: Orphan[];
  /** Operations that could not be looked up. */
  unknown: { operationId: string; problem: string; workflow: ClosedWorkflow }[];
  /** How many closed workflows were searched. */
  searched: number;
  /** What the search skipped: there may be more orphans. */
  notes: string[];
  /** Whether every open workflow was searched for waits. If not, an awaited operation may look like an orphan. */
  isSure: boolean;
}

/** The limits of a search: workflows per search, and runs per workflow. */
export const LIMITS = { workflows: 10_000, runs: 50 };

const PARALLEL = 10;

/** Finds the {@link Orphan}s of workflows of any type that closed since `sinceMs`. */
export async function findOrphans(
  client: Client,
  desk: CloudDesk,
  cloud: string,
  sinceMs: number,
  limits: typeof LIMITS = LIMITS,
): Promise<Found> {
  const since = new Date(sinceMs).toISOString();
  const closedQuery = `ExecutionStatus IN ('Completed', 'Failed', 'Canceled', 'Terminated', 'TimedOut') AND CloseTime > '${since}'`;
  const closed = await search(client, cloud, closedQuery, limits);
  const running: Orphan[] = [];
  const unknown: Found['unknown'] = [];
  const lookUp = async ({ operationId, workflow }: Candidate): Promise<void> => {
    const answer = await desk.look(operationId);
    if ('problem' in answer) {
      // An operation that the cloud no longer knows is not running.
      if (!answer.isGone) unknown.push({ operationId, problem: answer.problem, workflow });
    } else if (!isDone(answer.operation)) running.push({ operation: answer.operation, workflow });
  };
  for await (const _ of inParallel(closed.candidates.values(), PARALLEL, lookUp));
  // Open workflows are searched last, to see waits that began in the meantime.
  const open = running.length > 0 ? await search(client, cloud, `ExecutionStatus = 'Running'`, limits) : undefined;
  const orphans = running.filter(({ operation }) => !open?.candidates.has(operation.id));
  orphans.sort((a, b) => a.workflow.closedAt.localeCompare(b.workflow.closedAt));
  const notes = [...closed.notes('closed'), ...(open?.notes('open') ?? [])];
  return { orphans, unknown, searched: closed.searched, notes, isSure: open?.isWhole ?? true };
}

interface Candidate {
  operationId: string;
  workflow: ClosedWorkflow;
}

interface Search {
  /** Operations whose end no workflow has seen, by their IDs. */
  candidates: Map<string, Candidate>;
  searched: number;
  isWhole: boolean;
  notes(state: 'closed' | 'open'): string[];
}

async function search(client: Client, cloud: string, query: string, limits: typeof LIMITS): Promise<Search> {
  const candidates = new Map<string, Candidate>();
  const ended = new Set<string>();
  let [searched, unreadable, isCut] = [0, 0, false];
  const workflows = async function* (): AsyncGenerator<WorkflowExecutionInfo> {
    for await (const workflow of client.workflow.list({ query })) {
      isCut = searched === limits.workflows;
      if (isCut) return;
      searched++;
      if (!hasSeenEnd(workflow)) yield workflow;
    }
  };
  const read = async (workflow: WorkflowExecutionInfo): Promise<[WorkflowExecutionInfo, RunOperations[]]> => [
    workflow,
    await chainOf(client, workflow, limits.runs),
  ];
  for await (const [workflow, runs] of inParallel(workflows(), PARALLEL, read)) {
    for (const run of runs) {
      unreadable += run.unreadable;
      for (const operation of run.operations.filter((one) => one.cloud === cloud)) {
        if (operation.ended) ended.add(operation.id);
        const former = candidates.get(operation.id);
        const candidate = { operationId: operation.id, workflow: described(workflow) };
        if (!former || former.workflow.closedAt < candidate.workflow.closedAt) candidates.set(operation.id, candidate);
      }
    }
  }
  for (const id of ended) candidates.delete(id);
  const notes = (state: 'closed' | 'open'): string[] => [
    ...(isCut ? [`Only ${limits.workflows} ${state} workflows were searched.`] : []),
    ...(unreadable > 0
      ? [`${unreadable} payloads of ${state} workflows could not be decoded by --data-converter.`]
      : []),
  ];
  return { candidates, searched, isWhole: !isCut && unreadable === 0, notes };
}

/** A workflow of our types that completed has returned its operation's response. */
function hasSeenEnd({ type, status }: WorkflowExecutionInfo): boolean {
  return status.name === 'COMPLETED' && (type === 'awaitOperation' || type === 'executeOperation');
}

/** Reads a run and the runs from which it continued as new, since the last run may no longer know what they started. */
async function chainOf(
  client: Client,
  { workflowId, runId }: WorkflowExecutionInfo,
  maximumRuns: number,
): Promise<RunOperations[]> {
  const runs: RunOperations[] = [];
  for (let next: string | undefined = runId; next !== undefined && runs.length < maximumRuns;) {
    const read: RunOperations | undefined = await operationsOf(client, { workflowId, runId: next }).catch(
      (err: unknown) => {
        // A run may have been deleted since it was listed, when its retention ended.
        if (isNotFound(err)) return undefined;
        throw err;
      },
    );
    if (!read) break;
    runs.push(read);
    next = read.formerRunId;
  }
  return runs;
}

function described({ type, workflowId, runId, status, closeTime }: WorkflowExecutionInfo): ClosedWorkflow {
  return { type, workflowId, runId, status: status.name, closedAt: (closeTime ?? new Date()).toISOString() };
}
