import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whatever a run starts, and whatever that starts, inherits this environment variable. */
const RUN = 'TEST_RUN';
/** A process may start others until it is killed, so the search ends only after it found nothing that many times. */
const EMPTY_SEARCHES = 3;
const MAXIMUM_SEARCHES = 200;

/** Ends what a run has left behind. */
export interface RunGuard {
  /** Kills the processes that are left, removes the directories, and resolves to the commands of the processes. */
  end(): Promise<string[]>;
}

/**
 * From now on, everything that this process starts ends with it, even if it is killed, and `directories` are removed. A
 * separate process waits for that. Only on Linux, since it finds processes by their environment in /proc.
 */
export function startRunGuard(directories: string[] = []): RunGuard {
  const run = randomUUID();
  process.env[RUN] = run;
  // In a session of its own, since Ctrl-C signals the whole process group of the terminal.
  const guard = spawn(process.execPath, [__filename, run, ...directories], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  guard.unref();
  const pipes = [guard.stdin, guard.stdout].filter((pipe) => pipe instanceof Socket);
  for (const pipe of pipes) pipe.unref();
  return {
    async end() {
      // Else this process would exit, with code 0, before the answer comes.
      for (const pipe of pipes) pipe.ref();
      guard.stdin.end();
      const commands = await text(guard.stdout);
      return commands.split('\n').filter((command) => command !== '');
    },
  };
}

async function main([run = '', ...directories]: string[]): Promise<void> {
  // Nobody reads the output of a guard whose run was killed.
  process.stdout.on('error', () => undefined);
  await once(process.stdin.resume(), 'end');
  const killed = new Set<number>();
  for (let searches = 0, empty = 0; empty < EMPTY_SEARCHES && searches < MAXIMUM_SEARCHES; searches++) {
    const found = processesOf(run);
    empty = found.length === 0 ? empty + 1 : 0;
    for (const pid of found) {
      if (!killed.has(pid)) process.stdout.write(`${commandOf(pid)}\n`);
      killed.add(pid);
      kill(pid);
    }
    await sleep(20);
  }
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
}

function processesOf(run: string): number[] {
  if (process.platform !== 'linux') return [];
  const others = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid);
  return others.filter((pid) => read(pid, 'environ').split('\0').includes(`${RUN}=${run}`));
}

const commandOf = (pid: number): string => read(pid, 'cmdline').replaceAll(/\s|\0/g, ' ').trim();

/** A file of a process; empty if the process has ended or is another user's. */
function read(pid: number, file: 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

if (require.main === module) void main(process.argv.slice(2));
