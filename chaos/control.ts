import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';

/** How long a workflow that does nothing took during a run. Times are epoch milliseconds. */
export interface ControlRun {
  fromMs: number;
  toMs: number;
}

const EVERY_MS = 2_000;
/** How long it takes on a machine that is not overloaded. */
const USUAL_MS = 500;
/** How many times in a row a wait may need the machine between the end of its operation and its own end. */
const TURNS = 5;
/** On a slower machine, a run cannot be judged. */
const MAXIMUM_ALLOWANCE_MS = 120_000;

/**
 * Runs a workflow that does nothing every two seconds. Time beyond the usual is the machine's delay, and no wait can be
 * faster. Time limits are extended by it, so that they hold on a busy machine too.
 */
export class Control {
  readonly runs: ControlRun[] = [];
  #isOver = false;

  constructor(
    readonly client: Client,
    readonly taskQueue: string,
  ) {}

  /** Runs until {@link stop}. Never rejects. */
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
      // The server was killed during this run, so it does not measure the machine.
    }
  }
}

/** How much to extend time limits, from the machine's delays of the control runs that began between two times. */
export function allowanceMs(runs: readonly ControlRun[], fromMs: number, toMs: number): number {
  const slowest = runs
    .filter((run) => run.fromMs >= fromMs && run.fromMs <= toMs)
    .reduce((slowestMs, run) => Math.max(slowestMs, run.toMs - run.fromMs), 0);
  return Math.min(TURNS * Math.max(0, slowest - USUAL_MS), MAXIMUM_ALLOWANCE_MS);
}

/** How long anything may stay open after healing. */
const SETTLE_MS = 60_000;
/** How long a fault may delay things after its end: workflow tasks of a lost worker time out after 10 s. */
export const AFTERMATH_MS = 15_000;

/** How long a wait may stay open after healing. */
export function settleLimitMs(runs: readonly ControlRun[], healedAtMs: number): number {
  return SETTLE_MS + allowanceMs(runs, healedAtMs + AFTERMATH_MS, Infinity);
}
