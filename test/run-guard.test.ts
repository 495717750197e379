import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from './support/until';

/**
 * A run that starts a process which ignores signals, and one in a session of its own, which is stopped. Both print their
 * process ID. On a line of input, the run does what `how` says.
 */
const run = (how: string): string => `
  const { spawn } = require('node:child_process');
  const { startRunGuard } = require(${JSON.stringify(require.resolve('./support/run-guard'))});
  const guard = startRunGuard([process.argv[1]]);
  const stdio = ['ignore', 'inherit', 'ignore'];
  spawn('sh', ['-c', 'trap "" INT TERM; echo $$; while :; do sleep 1; done'], { stdio });
  spawn('sh', ['-c', 'echo $$; kill -STOP $$'], { detached: true, stdio });
  process.stdin.once('data', () => { ${how} });`;

interface Run {
  exited: Promise<unknown[]>;
  end: (signal?: NodeJS.Signals) => void;
  nextLine: () => Promise<string>;
  processesEnd: () => Promise<void>;
  directory: string;
}

const started: number[] = [];
// A guard that fails leaves them.
afterEach(() => started.splice(0).forEach((pid) => isRunning(pid) && process.kill(pid, 'SIGKILL')));

async function startRun(how: string): Promise<Run> {
  const directory = mkdtempSync(join(tmpdir(), 'temporal-lro-run-'));
  const child = spawn(process.execPath, ['-e', run(how), directory], { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => String((await lines.next()).value);
  const pids = [Number(await nextLine()), Number(await nextLine())];
  started.push(...pids);
  expect(pids.map(isRunning)).toEqual([true, true]);
  return {
    exited: once(child, 'exit'),
    end: (signal) => (signal ? child.kill(signal) : child.stdin.write('now\n')),
    nextLine,
    processesEnd: () => until(() => !pids.some(isRunning)),
    directory,
  };
}

/** A process that was killed exists until its parent knows of that, but has no command any more. */
function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
}

/** The guard needs /proc. */
const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux.each<[string, string, NodeJS.Signals | undefined]>([
  ['throws', "throw new Error('in the middle')", undefined],
  ['exits', 'process.exit(0)', undefined],
  ['is interrupted', '', 'SIGINT'],
  ['is terminated', '', 'SIGTERM'],
  ['is killed', '', 'SIGKILL'],
])('a run that %s leaves no process and no directory behind', async (_, how, signal) => {
  const { end, processesEnd, directory } = await startRun(how);
  end(signal);
  await processesEnd();
  await until(() => !existsSync(directory));
});

onLinux('a run that ends its guard is told which processes were left, and keeps its exit code', async () => {
  const tell = 'console.log(JSON.stringify(left)); process.exitCode = 3; process.stdin.destroy()';
  const { end, nextLine, exited, processesEnd } = await startRun(`guard.end().then((left) => { ${tell} })`);
  end();
  const left: unknown = JSON.parse(await nextLine());
  const commands = ['kill -STOP', 'trap'].map((part) => expect.stringContaining(part) as unknown);
  expect(left).toEqual(expect.arrayContaining(commands));
  expect(await exited).toEqual([3, null]);
  await processesEnd();
});
