import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { isGrpcServiceError, type Client } from '@temporalio/client';
import type { RecordedCall, Truth } from './cloud';
import type { ControlRun } from './control';
import type { LoggedFault } from './fault-log';
import { readHistory, type RunHistory } from './history';
import type { Plan, WaitPlan } from './plan';
import type { Scene } from './scene';
import { childIdOf, persist } from './workload';

/** Everything known about one wait after a run. */
export interface WaitRecord {
  wait: WaitPlan;
  /** Undefined if its workflow was never started. */
  run?: RunHistory;
  child?: RunHistory;
  /** The operations that were begun for the wait. */
  truths: readonly Truth[];
  calls: readonly RecordedCall[];
}

/** Everything known about a run. */
export interface RunRecord {
  plan: Plan;
  beganAtMs: number;
  healedAtMs: number;
  /** When the last wait ended, or the run stopped waiting for it. */
  settledAtMs: number;
  faults: readonly LoggedFault[];
  waits: WaitRecord[];
  /** The control runs since healing. */
  control: readonly ControlRun[];
  /** How many worker processes ended by themselves. */
  crashes: number;
}

const OPEN = "ExecutionStatus = 'Running' AND WorkflowType != 'control'";
const LOOK_EVERY_MS = 1_000;
/** How many histories are read at once. */
const AT_ONCE = 8;

/** Resolves when no workflow is open, or at the time that `limitMs` returns. */
export async function settled(client: Client, limitMs: () => number): Promise<void> {
  while (Date.now() < limitMs()) {
    const { count } = await persist(() => client.workflow.count(OPEN));
    if (count === 0) return;
    await sleep(LOOK_EVERY_MS);
  }
}

export async function recordWaits(client: Client, { cloud }: Scene, waits: readonly WaitPlan[]): Promise<WaitRecord[]> {
  const records: WaitRecord[] = [];
  const rest = [...waits];
  const readAll = async (): Promise<void> => {
    for (let wait = rest.shift(); wait; wait = rest.shift()) {
      const { name } = wait;
      const run = await historyOf(client, name);
      const child = wait.kind === 'child' ? await historyOf(client, childIdOf(name)) : undefined;
      const known = { wait, truths: cloud.truthsOf(name), calls: cloud.callsOf(name) };
      records.push({ ...known, ...(run && { run }), ...(child && { child }) });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, readAll));
  return records;
}

async function historyOf(client: Client, workflowId: string): Promise<RunHistory | undefined> {
  const history = await persist(() =>
    client.workflow
      .getHandle(workflowId)
      .fetchHistory()
      .catch((err: unknown) => {
        // A parent that was cancelled immediately has no child.
        if (isGrpcServiceError(err) && err.code === status.NOT_FOUND) return undefined;
        throw err;
      }),
  );
  return history && readHistory(workflowId, history);
}
