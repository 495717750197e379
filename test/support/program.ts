import { spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { leave } from './left-behind';

/** A program in a process of its own. */
export interface Program {
  /** Resolves when stdout or stderr contains that text. */
  printed(text: string): Promise<void>;
  interrupt(): void;
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** Its output is kept for the search. */
export function startProgram(
  command: string,
  args: string[],
  options: Pick<SpawnOptions, 'cwd' | 'env' | 'timeout'> = {},
): Program {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = once(child, 'close').then(() => {
    leave('outputs', stdout + stderr);
    return { code: child.exitCode, stdout, stderr };
  });
  return {
    ended,
    interrupt: () => child.kill('SIGINT'),
    async printed(text) {
      while (!`${stdout}${stderr}`.includes(text)) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`Ended without ${text}: ${stdout}${stderr}`);
        await setTimeout(20);
      }
    },
  };
}
