import { join } from 'node:path';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { FakeCloud } from 'temporal-lro/testing';
import { awaitOperation, wait } from './end-to-end/workflows';
import { CLOUD, startEnvironment, type TestEnvironment } from './support/environment';
import { PROTO_DIRECTORY } from './support/proto';
import { startTemporalProcess } from './support/temporal-process';
import { startWorkerProcess, type WorkerProcess } from './support/worker-process';
import { until } from './support/until';

const RESPONSE = { '@type': 'type.googleapis.com/fakecloud.v1.Network', id: 'n1', name: '', folderId: '' };
const RESOURCES = join(PROTO_DIRECTORY, 'fakecloud.binpb');
const workflowsPath = require.resolve('./end-to-end/workflows');

/** All ways in which a wait sleeps: watched by the worker, by timers, and by activity retries. */
const polls = [
  { initialInterval: '200 ms', maximumInterval: '200 ms' },
  { initialInterval: '5 s' },
  { initialInterval: '5 s', by: 'activityRetry' },
] as const;

/**
 * Waits for operations of that length in all ways, inline and by the workflow type. Resolves when all have been polled.
 */
async function startWaits(
  client: Client,
  cloud: FakeCloud,
  taskQueue: string,
  after: number,
): Promise<WorkflowHandle[]> {
  const ids: string[] = [];
  const handles = polls.flatMap((poll) => {
    const [operationId, workflowId] = [
      cloud.operation({ after, response: RESPONSE }),
      cloud.operation({ after, response: RESPONSE }),
    ];
    ids.push(operationId, workflowId);
    return [
      client.workflow.start(wait, { taskQueue, workflowId: operationId, args: [CLOUD, operationId, { poll }] }),
      client.workflow.start(awaitOperation, {
        taskQueue,
        workflowId,
        args: [{ cloud: CLOUD, operationId: workflowId, poll }],
      }),
    ];
  });
  const started = await Promise.all(handles);
  await until(() => ids.every((id) => cloud.calls.some(({ operationId }) => operationId === id)));
  return started;
}

async function ends(handles: WorkflowHandle[]): Promise<unknown[]> {
  return Promise.all(handles.map((handle) => handle.result()));
}

async function failedTasks(handles: WorkflowHandle[]): Promise<number> {
  const histories = await Promise.all(handles.map((handle) => handle.fetchHistory()));
  return histories.flatMap(({ events }) => events ?? []).filter((event) => event.workflowTaskFailedEventAttributes)
    .length;
}

const caches = [
  ['caches workflows', {}],
  ['replays a workflow at its every task', { maxCachedWorkflows: 0 }],
] as const;

let environment: TestEnvironment;
const workers: WorkerProcess[] = [];
/**
 * Waits whose worker was killed. A watched one continues only after its lease has expired, so these are awaited last.
 */
let orphaned: { handles: WorkflowHandle[]; ends: Promise<unknown[]> }[];
beforeAll(async () => {
  environment = await startEnvironment({ worker: false });
  orphaned = await Promise.all(caches.map(([, cache]) => killWorker(cache)));
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.kill('SIGTERM')));
  await environment.stop();
});

async function killWorker(cache: { maxCachedWorkflows?: number }): Promise<(typeof orphaned)[number]> {
  const { client, cloud, workflow } = environment;
  const taskQueue = workflow().workflowId;
  const clouds = { [CLOUD]: { endpoint: cloud.address, plaintext: true, descriptors: [RESOURCES] } };
  const options = { taskQueue, workflowsPath, clouds, ...cache };
  const killed = await startWorkerProcess(options);
  const handles = await startWaits(client, cloud, taskQueue, 3000);
  await killed.kill('SIGKILL');
  workers.push(await startWorkerProcess(options));
  const results = ends(handles);
  results.catch(() => undefined);
  return { handles, ends: results };
}

test.each(caches)(
  'killing the server and starting it again on its database loses no wait of a worker that %s',
  async (_, cache) => {
    const temporal = await startTemporalProcess();
    const { client, cloud, taskQueue, stop } = await startEnvironment({
      address: temporal.address,
      worker: { workflowsPath, ...cache },
    });
    try {
      const handles = await startWaits(client, cloud, taskQueue, 4000);
      await temporal.kill();
      await temporal.restart();
      expect(await ends(handles)).toEqual(handles.map(() => RESPONSE));
      expect(await failedTasks(handles)).toBe(0);
    } finally {
      await stop();
      await temporal.remove();
    }
  },
);

test.each(caches.map(([name], index) => [name, index] as const))(
  'killing a worker that %s loses no wait',
  async (_, index) => {
    const { handles, ends } = orphaned[index] ?? { handles: [], ends: Promise.resolve() };
    expect(handles).toHaveLength(2 * polls.length);
    expect(await ends).toEqual(handles.map(() => RESPONSE));
    expect(await failedTasks(handles)).toBe(0);
  },
);
