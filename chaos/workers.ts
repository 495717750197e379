import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkerProcessOptions } from './worker-process';

const MAIN = join(__dirname, 'worker-process.js');
/** After this many crashes, processes are no longer replaced: something is wrong with all of them. */
const MAXIMUM_CRASHES = 10;

/** The slot of one worker. When its process ends for any reason, another one replaces it. */
export class WorkerSlot {
  readonly #options: () => Omit<WorkerProcessOptions, 'clockOffsetMs'>;
  readonly #log: number;
  readonly #children = new Set<ChildProcess>();
  readonly #abandon = (): void => {
    for (const child of this.#children) child.kill('SIGKILL');
  };
  #current: ChildProcess | undefined;
  #clockOffsetMs = 0;
  #isClosing = false;
  /** How many processes ended by themselves. */
  crashes = 0;

  /** The output of its processes is appended to the file at `logPath`. */
  constructor(logPath: string, options: () => Omit<WorkerProcessOptions, 'clockOffsetMs'>) {
    this.#options = options;
    this.#log = openSync(logPath, 'a');
    process.on('exit', this.#abandon);
  }

  /** The pid of the slot's current process. */
  get pid(): number {
    return this.#current?.pid ?? 0;
  }

  /** Starts a process. Resolves when it polls, or has ended before that. */
  async start(): Promise<void> {
    const options: WorkerProcessOptions = { ...this.#options(), clockOffsetMs: this.#clockOffsetMs };
    const child = spawn(process.execPath, [MAIN, JSON.stringify(options)], {
      stdio: ['ignore', this.#log, this.#log, 'ipc'],
    });
    this.#current = child;
    this.#children.add(child);
    const ended = once(child, 'exit').then(async () => {
      this.#children.delete(child);
      if (this.#current !== child || this.#isClosing || this.crashes >= MAXIMUM_CRASHES) return;
      this.crashes++;
      await this.start();
    });
    await Promise.race([once(child, 'message'), ended]);
  }

  /** Ends the process with a signal. Resolves when another one polls. */
  async replace(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const former = this.#current;
    this.#current = undefined;
    former?.kill(signal);
    await this.start();
  }

  /** Suspends the process. Returns a function that resumes it, if it still exists. */
  suspend(): () => void {
    const child = this.#current;
    child?.kill('SIGSTOP');
    return () => void child?.kill('SIGCONT');
  }

  /** Sets the clock of this process and of later ones: it stands for the machine's clock. */
  setClockOffset(ms: number): void {
    this.#clockOffsetMs = ms;
    if (this.#current?.connected) this.#current.send(ms);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const ended = [...this.#children].map((child) => once(child, 'exit'));
    this.#abandon();
    await Promise.all(ended);
    process.off('exit', this.#abandon);
  }
}
