import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import {
  NativeConnection,
  Runtime,
  Worker,
  type RuntimeOptions,
  type WorkerOptions,
  type WorkerPlugin,
} from '@temporalio/worker';
import { OperationsPlugin } from 'temporal-lro';
import { FakeCloud, type FakeCloudOptions } from 'temporal-lro/testing';
import { withBundle } from './bundle';
import { CREDENTIALS, keepingRuntime, leave, leaveMetrics } from './left-behind';
import { PROTO_DIRECTORY } from './proto';

/** The name under which the worker knows the FakeCloud. */
export const CLOUD = 'yandex';

/** A worker on the Temporal server of the test run, and the cloud that it calls. */
export interface TestEnvironment {
  client: Client;
  /** The connection for workers of this process. */
  connection: NativeConnection;
  cloud: FakeCloud;
  taskQueue: string;
  /** Options for a workflow of this worker, with a unique ID. */
  workflow: () => { taskQueue: string; workflowId: string };
  /** The number of events of a workflow's latest run. */
  historyLength: (workflowId: string) => Promise<number>;
  stop: () => Promise<void>;
}

export interface TestEnvironmentOptions {
  /** Another Temporal server than that of the test run. */
  address?: string;
  cloud?: FakeCloudOptions;
  /**
   * Override the default ones; without `workflowsPath` no workflows run, and with `worker: false` there is no worker.
   */
  worker?: Partial<WorkerOptions> | false;
}

/** Starts a FakeCloud and a worker with its plugin. If one of them fails, the other is stopped. */
export async function startEnvironment(options: TestEnvironmentOptions = {}): Promise<TestEnvironment> {
  quietRuntime();
  const started: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of started.splice(0).reverse()) await end();
  };
  try {
    const address = { address: options.address ?? process.env.TEMPORAL_ADDRESS ?? '' };
    const cloud = await FakeCloud.start(options.cloud);
    started.push(() => closeCloud(cloud));
    const clientConnection = await Connection.connect(address);
    started.push(() => clientConnection.close());
    const connection = await NativeConnection.connect(address);
    started.push(() => connection.close());
    const client = new Client({ connection: clientConnection });
    const taskQueue = `test-${randomUUID()}`;
    if (options.worker !== false) {
      const worker = { connection, taskQueue, plugins: [pluginOf(cloud, options.cloud)], ...options.worker };
      started.push(await runWorker(worker));
    }
    return {
      client,
      connection,
      cloud,
      taskQueue,
      workflow: () => ({ taskQueue, workflowId: randomUUID() }),
      historyLength: async (workflowId) => (await client.workflow.getHandle(workflowId).describe()).historyLength,
      stop,
    };
  } catch (err) {
    await stop();
    throw err;
  }
}

/**
 * Counts the events of a history without workflow tasks, since a slow machine may need extra ones; failed tasks count.
 * A wait of one activity has 5, or 11 with its two workflow tasks.
 */
export async function eventsBesideTasks(handle: WorkflowHandle): Promise<number> {
  const { events } = await handle.fetchHistory();
  const isTask = (event: NonNullable<typeof events>[number]): boolean =>
    !!event.workflowTaskScheduledEventAttributes ||
    !!event.workflowTaskStartedEventAttributes ||
    !!event.workflowTaskCompletedEventAttributes ||
    !!event.workflowTaskTimedOutEventAttributes;
  return (events ?? []).filter((event) => !isTask(event)).length;
}

/**
 * A plugin with the cloud under that name and with marked credentials; `options` are those that the cloud was started
 * with.
 */
export function pluginOf({ address }: FakeCloud, options: FakeCloudOptions = {}, name = CLOUD): WorkerPlugin {
  const { descriptors = [], now } = options;
  const common = { plaintext: true, credentials: CREDENTIALS, watch: now === undefined };
  const all = [...descriptors, join(PROTO_DIRECTORY, 'fakecloud.binpb')];
  return new OperationsPlugin({ clouds: { [name]: { ...common, endpoint: address, descriptors: all } } });
}

/** Closes the cloud, and records how many calls with a token it has received. */
export async function closeCloud(cloud: FakeCloud): Promise<void> {
  leave('calls', String(cloud.calls.filter(({ headers }) => headers.includes('authorization')).length));
  await cloud.close();
}

/** Runs a worker until the returned function is called, which resolves when the worker has stopped. */
export async function runWorker(options: WorkerOptions): Promise<() => Promise<void>> {
  const worker = await Worker.create(await withBundle(options));
  let end = (): void => undefined;
  const running = worker.runUntil(new Promise<void>((resolve) => (end = resolve)));
  return async () => {
    end();
    await running;
    leaveMetrics();
  };
}

let isQuiet = false;

/** Hides the log lines of failures that tests expect. Only the first call of a test file applies its `options`. */
export function quietRuntime(options: RuntimeOptions = {}): void {
  if (!isQuiet) Runtime.install({ ...keepingRuntime(), ...options });
  isQuiet = true;
}
