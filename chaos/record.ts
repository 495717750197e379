import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { isGrpcServiceError, type Client } from '@temporalio/client';
import type { RecordedCall, Truth } from './cloud';
import type { LoggedFault } from './fault-log';
import { readHistory, type RunHistory } from './history';
import type { Plan, WaitPlan } from './plan';
import type { Scene } from './scene';
import { childIdOf, persist } from './workload';

/** All that is known of one wait when a run is over. */
export interface WaitRecord {
  wait: WaitPlan;
  /** Undefined where its workflow was never started. */
  run?: RunHistory;
  child?: RunHistory;
  /** The operations that were begun for it. */
  truths: Truth[];
  calls: readonly RecordedCall[];
}

/** All that is known of a run. */
export interface RunRecord {
  plan: Plan;
  beganAtMs: number;
  healedAtMs: number;
  /** When the last wait had ended, or was given up. */
  settledAtMs: number;
  faults: readonly LoggedFault[];
  waits: WaitRecord[];
  /** Worker processes that ended by themselves. */
  crashes: number;
}

const LOOK_EVERY_MS = 1_000;
/** Histories read at once. */
const AT_ONCE = 8;

/** Resolves when no workflow is open any more, or at `untilMs`. */
export async function settled(client: Client, untilMs: number): Promise<void> {
  while (Date.now() < untilMs) {
    const { count } = await persist(() => client.workflow.count("ExecutionStatus = 'Running'"));
    if (count === 0) return;
    await sleep(Math.min(LOOK_EVERY_MS, Math.max(1, untilMs - Date.now())));
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
        // A parent that was cancelled at once has no child.
        if (isGrpcServiceError(err) && err.code === status.NOT_FOUND) return undefined;
        throw err;
      }),
  );
  return history && readHistory(workflowId, history);
}
