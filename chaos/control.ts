import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';

/** How long a workflow took that does nothing, while a run went on. Epoch milliseconds. */
export interface ControlRun {
  fromMs: number;
  toMs: number;
}

const EVERY_MS = 2_000;
/** What it takes on a machine that is up to its work. */
const USUAL_MS = 500;
/** So many times in a row a wait may have to be served between its end in the cloud and its own. */
const TURNS = 5;
/** A machine that is slower than this has to be judged on another day. */
const MAXIMUM_ALLOWANCE_MS = 120_000;

/**
 * Workflows that do nothing, one every two seconds: what they take beyond the usual is the machine's, and no wait can be
 * faster. So limits of time hold on a busy machine too.
 */
export class Control {
  readonly runs: ControlRun[] = [];
  #isOver = false;

  constructor(
    readonly client: Client,
    readonly taskQueue: string,
  ) {}

  /** Runs until {@link stop}; never rejects. */
  async start(): Promise<void> {
    for (let count = 0; !this.#isOver; count++) {
      void this.#once(`control-${count}`);
      await sleep(EVERY_MS);
    }
  }

  stop(): void {
    this.#isOver = true;
  }

  async #once(workflowId: string): Promise<void> {
    const run: ControlRun = { fromMs: Date.now(), toMs: Infinity };
    try {
      await this.client.workflow.execute('control', { taskQueue: this.taskQueue, workflowId, args: [] });
      run.toMs = Date.now();
      this.runs.push(run);
    } catch {
      // The server was killed meanwhile: it tells nothing of the machine.
    }
  }
}

/** By how much limits are extended for what the machine took for those that began between two times. */
export function allowanceMs(runs: readonly ControlRun[], fromMs: number, toMs: number): number {
  const slowest = runs
    .filter((run) => run.fromMs >= fromMs && run.fromMs <= toMs)
    .reduce((slowestMs, run) => Math.max(slowestMs, run.toMs - run.fromMs), 0);
  return Math.min(TURNS * Math.max(0, slowest - USUAL_MS), MAXIMUM_ALLOWANCE_MS);
}

/** After healing nothing may stay open for longer. */
const SETTLE_MS = 60_000;
/** So long after a fault, what it has swallowed may still hold things up: tasks of a worker that has gone time out after 10 s. */
export const AFTERMATH_MS = 15_000;

/** How long after healing a wait may be open. */
export function settleLimitMs(runs: readonly ControlRun[], healedAtMs: number): number {
  return SETTLE_MS + allowanceMs(runs, healedAtMs + AFTERMATH_MS, Infinity);
}
