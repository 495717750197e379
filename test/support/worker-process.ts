import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { OperationsPlugin, type CloudOptions } from 'temporal-lro';
import { withBundle } from './bundle';
import { CREDENTIALS, keepingRuntime, leaveMetrics } from './left-behind';

/** A worker in a process of its own, which can be killed. */
export interface WorkerProcess {
  pid: number;
  /** Sends a signal; resolves when the process has ended. Deployments stop a worker with SIGTERM. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

/** The configuration of the worker, which is sent to its process as JSON. */
export interface WorkerProcessOptions {
  taskQueue: string;
  /** Each has marked credentials. */
  clouds: Record<string, Omit<CloudOptions, 'credentials'>>;
  /** The module of the worker's workflow types; without it the worker runs activities only. */
  workflowsPath?: string;
  /** A module whose exports are registered as activities in addition to the plugin's. */
  activitiesPath?: string;
  maxCachedWorkflows?: number;
  maxConcurrentActivityTaskExecutions?: number;
  maxTaskQueueActivitiesPerSecond?: number;
  /**
   * How long running activities have after SIGTERM.
   * @default none
   */
  shutdownGraceTime?: number;
}

/** Starts a worker on the Temporal server of the test run; resolves when it polls. */
export async function startWorkerProcess(options: WorkerProcessOptions): Promise<WorkerProcess> {
  const child = spawn(process.execPath, [__filename, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    ended.then(() => Promise.reject(new Error('The worker process ended at its start'))),
  ]);
  return {
    pid: child.pid ?? 0,
    async kill(signal) {
      child.kill(signal);
      await ended;
    },
  };
}

async function main(json: string): Promise<void> {
  // The test that started this process is gone.
  process.stdin.resume().on('end', () => process.exit(1));
  const given: unknown = JSON.parse(json);
  if (!isOptions(given)) throw new Error(`No options of a worker process: ${json}`);
  const { clouds, activitiesPath, ...options } = given;
  Runtime.install({ ...keepingRuntime(), shutdownSignals: ['SIGTERM'] });
  const activities: unknown = activitiesPath === undefined ? {} : await import(activitiesPath);
  const workerOptions = await withBundle({
    connection: await NativeConnection.connect({ address: process.env.TEMPORAL_ADDRESS ?? '' }),
    ...options,
    ...(typeof activities === 'object' && activities && { activities }),
    plugins: [new OperationsPlugin({ clouds: withCredentials(clouds) })],
  });
  const worker = await Worker.create(workerOptions);
  const running = worker.run();
  process.stdout.write('polling\n');
  await running;
  leaveMetrics();
  process.exit(0);
}

/** Credentials cannot be sent as JSON. */
function withCredentials(clouds: WorkerProcessOptions['clouds']): Record<string, CloudOptions> {
  const all: Record<string, CloudOptions> = {};
  for (const [name, cloud] of Object.entries(clouds)) all[name] = { ...cloud, credentials: CREDENTIALS };
  return all;
}

/** startWorkerProcess above has written these arguments. */
function isOptions(given: unknown): given is WorkerProcessOptions {
  return typeof given === 'object' && given !== null && 'taskQueue' in given && 'clouds' in given;
}

if (require.main === module) void main(process.argv[2] ?? '');
