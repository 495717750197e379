import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { leave } from './left-behind';

/** Node in a process group of its own, which contains every process that it starts. */
export interface ProcessGroup {
  /** Resolves when stdout or stderr has a line with that text, and rejects if the process ends without it. */
  printed(text: string): Promise<void>;
  /** Signals only Node. */
  signal(signal: 'SIGTERM'): void;
  /** Resolves when Node has ended, although its child processes may still run. */
  ended: Promise<{ code: number | null; output: string; ms: number }>;
  /** Whether any process of the group still runs. */
  isRunning(): boolean;
  kill(): void;
}

/** Starts Node in a group; its output is kept for the search. */
export function startProcessGroup(cwd: string, args: string[], env: NodeJS.ProcessEnv): ProcessGroup {
  const startedAt = Date.now();
  const child = spawn(process.execPath, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const { pid } = child;
  if (pid === undefined) throw new Error(`No process for node ${args.join(' ')}`);
  let output = '';
  const lines = [child.stdout, child.stderr].map((input) => createInterface({ input }));
  for (const line of lines) line.on('line', (text) => (output += `${text}\n`));
  const signalAll = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(-pid, signal);
    } catch {
      return false;
    }
  };
  const closed = once(child, 'close');
  const ended = once(child, 'exit').then(async () => {
    // A process that still runs may hold its outputs open.
    if (!signalAll(0)) await closed;
    leave('outputs', output);
    return { code: child.exitCode, output, ms: Date.now() - startedAt };
  });
  return {
    ended,
    printed: (text) =>
      new Promise((resolve, reject) => {
        for (const line of lines) line.on('line', (printed) => printed.includes(text) && resolve());
        void ended.then(() => reject(new Error(`Ended without ${text}:\n${output}`)));
      }),
    signal: (signal) => void child.kill(signal),
    isRunning: () => signalAll(0),
    kill: () => void signalAll('SIGKILL'),
  };
}
