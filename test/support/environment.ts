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

/** A worker on the Temporal server of the test run, and the cloud that it reaches. */
export interface TestEnvironment {
  client: Client;
  /** What workers of this process connect with. */
  connection: NativeConnection;
  cloud: FakeCloud;
  taskQueue: string;
  /** Options of a workflow of this worker, with an id that nothing else has. */
  workflow: () => { taskQueue: string; workflowId: string };
  /** Events of a workflow's latest run. */
  historyLength: (workflowId: string) => Promise<number>;
  stop: () => Promise<void>;
}

export interface TestEnvironmentOptions {
  /** Of another Temporal server than that of the test run. */
  address?: string;
  cloud?: FakeCloudOptions;
  /** Over the default ones; without `workflowsPath` nothing runs workflows, and with `worker: false` there is no worker. */
  worker?: Partial<WorkerOptions> | false;
}

/** Starts a FakeCloud and a worker with its plugin; what has started is stopped when the rest fails. */
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
 * Events of a history but for workflow tasks, of which a busy machine may need more than the work does; failed ones count.
 * A wait of one activity has 5: with its two workflow tasks they are 11.
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

/** What knows the cloud by that name, with marked credentials; `options` are those that the cloud has been started with. */
export function pluginOf({ address }: FakeCloud, options: FakeCloudOptions = {}, name = CLOUD): WorkerPlugin {
  const { descriptors = [], now } = options;
  const common = { plaintext: true, credentials: CREDENTIALS, watch: now === undefined };
  const all = [...descriptors, join(PROTO_DIRECTORY, 'fakecloud.binpb')];
  return new OperationsPlugin({ clouds: { [name]: { ...common, endpoint: address, descriptors: all } } });
}

/** Closes it, and keeps how many calls it has got with a token. */
export async function closeCloud(cloud: FakeCloud): Promise<void> {
  leave('calls', String(cloud.calls.filter(({ headers }) => headers.includes('authorization')).length));
  await cloud.close();
}

/** Runs a worker until the returned function is called, which resolves when it has stopped. */
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

/** Failures that a test expects are no news. The first call of a test file counts: `options` are over that. */
export function quietRuntime(options: RuntimeOptions = {}): void {
  if (!isQuiet) Runtime.install({ ...keepingRuntime(), ...options });
  isQuiet = true;
}
