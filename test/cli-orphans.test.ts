import {
  Client,
  Connection,
  type WorkflowHandle,
  type WorkflowHandleWithFirstExecutionRunId,
} from '@temporalio/client';
import { NetworkService } from 'temporal-lro/testing';
import { CloudDesk } from '../src/cli/cloud-desk';
import { widthOf } from '../src/cli/columns';
import { findOrphans, LIMITS, type Found } from '../src/cli/find-orphans';
import { eventsOf } from '../src/cli/history';
import { cancelOrphans, orphanLines } from '../src/cli/orphans';
import type { OperationScript } from '../src/testing/script';
import { CLOUD, pluginOf, runWorker, startEnvironment, type TestEnvironment } from './support/environment';
import { dataConverter } from './support/encrypting-codec';
import { startProgram, type Program } from './support/program';
import { startTemporalProcess, type TemporalProcess } from './support/temporal-process';
import { until } from './support/until';

const MAIN = require.resolve('../src/cli/main');
const workflowsPath = require.resolve('./orphans/workflows');
const HOUR_MS = 3_600_000;
const response = { '@type': 'fakecloud.v1.Network', id: 'net-1', name: 'net' };

// A server of its own, since orphans searches every closed workflow on the server.
let temporal: TemporalProcess;
let env: TestEnvironment;
/** The operation that conflicts with a start of that name. */
const inTheWay = new Map<string, string>();

beforeAll(async () => {
  temporal = await startTemporalProcess();
  env = await startEnvironment({ address: temporal.address, worker: { workflowsPath } });
  env.cloud.on(NetworkService.create.path).reply(({ name }) => {
    const busy = inTheWay.get(String(name));
    if (busy !== undefined) return { refuse: { code: 9, message: `conflicting operation "${busy}" detected` } };
    return { after: '1 h', description: `Create ${String(name)}`, response };
  });
}, 60_000);
afterAll(async () => {
  await env.stop();
  await temporal.remove();
});

const operation = (script: Partial<OperationScript> = {}): string =>
  env.cloud.operation({ after: '1 h', description: 'Create', response, ...script });
const awaited = (operationId: string): object => ({ cloud: CLOUD, operationId });

function start(type: string, ...args: unknown[]): Promise<WorkflowHandleWithFirstExecutionRunId> {
  return env.client.workflow.start(type, { ...env.workflow(), args });
}

/** Starts a workflow, and terminates it as soon as its operation has been polled. */
async function abandoned(type: string, ...args: unknown[]): Promise<WorkflowHandle> {
  const handle = await start(type, ...args);
  await until(async () => {
    const { events } = await handle.fetchHistory();
    const scheduled = events?.map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
    return scheduled?.includes('operation.get') ?? false;
  });
  await handle.terminate('test');
  return handle;
}

/** Resolves when visibility shows all of them. */
async function closed(...handles: WorkflowHandle[]): Promise<void> {
  const ids = handles.map(({ workflowId }) => `'${workflowId}'`).join(', ');
  const query = `WorkflowId IN (${ids}) AND ExecutionStatus NOT IN ('Running', 'ContinuedAsNew')`;
  await until(async () => (await env.client.workflow.count(query)).count === handles.length, 50);
}

function find(limits = LIMITS, client = env.client): Promise<Found> {
  const desk = new CloudDesk(client, env.taskQueue, CLOUD);
  return findOrphans(client, desk, CLOUD, Date.now() - HOUR_MS, limits);
}

const orphans = (...args: string[]): Program => {
  const connection = ['--address', temporal.address, '--task-queue', env.taskQueue];
  return startProgram(process.execPath, [MAIN, 'orphans', '--cloud', CLOUD, '--since', '1 h', ...connection, ...args]);
};

test('orphans are running operations that only closed workflows have started or awaited', async () => {
  const [left, shared, ended, lookedAt, busy] = [
    operation(),
    operation(),
    operation({ after: 300 }),
    operation(),
    operation(),
  ];
  inTheWay.set('blocked', busy);
  const chain = await start('startAndForget', CLOUD, 'chained');
  const latest = env.client.workflow.getHandle(chain.workflowId);
  const handles = [
    await abandoned('awaitOperation', awaited(left)),
    await abandoned('awaitOperation', awaited(shared)),
    await abandoned('waitFor', CLOUD, ended),
    await abandoned('startAndWait', CLOUD, 'blocked'),
    await start('lookOnce', CLOUD, lookedAt),
    await start('startOnly', CLOUD, 'forgotten'),
    latest,
  ];
  await until(async () => (await latest.describe()).runId !== chain.firstExecutionRunId);
  await latest.terminate('test');
  const open = await start('waitFor', CLOUD, shared);
  await closed(...handles);
  await until(async () => (await env.client.workflow.count(`WorkflowId = '${open.workflowId}'`)).count === 1, 50);

  const found = await find();
  const told = found.orphans.map(
    ({ operation, workflow }) => `${operation.description} ${workflow.type} ${workflow.status}`,
  );
  expect(told.sort()).toEqual([
    'Create awaitOperation TERMINATED',
    'Create chained startAndForget TERMINATED',
    'Create forgotten startOnly COMPLETED',
  ]);
  expect(found.orphans.map(({ operation: { id } }) => id)).toContain(left);
  expect(found).toMatchObject({ unknown: [], notes: [], isSure: true });

  await open.terminate('test');
  await closed(open);
  expect((await find()).orphans).toHaveLength(4);
});

test('orphans lists them, --cancel reports the result for each, and afterwards none are left', async () => {
  // The orphans from before this test, which other tests have left.
  await orphans('--cancel').ended;
  const kept = operation({ description: 'Kept', onCancel: { refuses: { code: 12, message: 'no cancel' } } });
  const [gone, slow, done] = [
    operation({ description: 'Gone' }),
    operation({ description: 'Slow', onCancel: { cancelsAfter: '2 s' } }),
    operation({ description: 'Done', onCancel: 'completes' }),
  ];
  const handles = await Promise.all([kept, gone, slow, done].map((id) => abandoned('waitFor', CLOUD, id)));
  await closed(...handles);

  for (const line of orphanLines((await find()).orphans, 40)) expect(widthOf(line)).toBeLessThanOrEqual(40);
  const shown = await orphans().ended;
  expect(shown.stdout).toMatch(/^OPERATION +WHAT +STATE +AGE +WORKFLOW +RUN +CLOSED\n/);
  const { workflowId, runId } = (await handles[1]?.describe()) ?? {};
  expect(shown.stdout).toMatch(
    new RegExp(`^${gone} +Gone +running +\\d+ m?s +waitFor ${workflowId} +${runId} +TERMINATED \\d{4}-.*Z$`, 'm'),
  );
  expect(shown.stdout).toMatch(
    /^4 operations of yandex went on after their workflows had closed; searched \d+ workflows closed within 1 h\.$/m,
  );
  expect(shown).toMatchObject({ code: 11, stderr: '' });

  const { stdout, code } = await orphans('--cancel', '--json').ended;
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  const cancelled = (id: string, description: string, ended: boolean, outcome: string): unknown =>
    expect.objectContaining({
      event: 'orphan',
      operation: expect.objectContaining({ id, description }) as unknown,
      cancel: { ended, outcome },
    });
  expect(lines).toHaveLength(5);
  expect(lines).toEqual(
    expect.arrayContaining([
      cancelled(kept, 'Kept', false, 'not cancelled: the cloud refused (UNIMPLEMENTED: no cancel)'),
      cancelled(gone, 'Gone', true, 'cancelled'),
      cancelled(slow, 'Slow', true, 'cancelled'),
      cancelled(done, 'Done', true, 'it succeeded before it could be cancelled'),
    ]),
  );
  expect(lines.at(-1)).toMatchObject({
    event: 'summary',
    notes: [],
    summary: expect.stringContaining('3 of them ended by --cancel') as unknown,
  });
  expect(code).toBe(11);
  expect((await find()).orphans.map(({ operation: { id } }) => id)).toEqual([kept]);
});

test('when not every workflow could be searched, orphans reports that and cancels nothing', async () => {
  const open = await Promise.all([start('waitFor', CLOUD, operation()), start('waitFor', CLOUD, operation())]);
  const id = operation();
  const sooner = await abandoned('waitFor', CLOUD, operation());
  await closed(sooner, await abandoned('waitFor', CLOUD, id));
  await until(async () => (await env.client.workflow.count(`ExecutionStatus = 'Running'`)).count >= 2, 50);
  const found = await find({ ...LIMITS, workflows: 1 });
  expect(found).toMatchObject({ orphans: [{ operation: { id } }], searched: 1, isSure: false });
  expect(found.notes).toEqual(['Only 1 closed workflows were searched.', 'Only 1 open workflows were searched.']);
  await expect(cancelOrphans(new CloudDesk(env.client, env.taskQueue, CLOUD), found)).rejects.toThrow(
    /^1 operations look like orphans, but not every open workflow could be searched .*, so none was cancelled/,
  );
  expect(env.cloud.calls.filter(({ operationId, method }) => operationId === id && method.endsWith('/Cancel'))).toEqual(
    [],
  );
  for (const handle of open) await handle.terminate();
});

test('histories are read to their end, page by page', async () => {
  const handle = await abandoned('waitFor', CLOUD, operation());
  const read: unknown[] = [];
  for await (const event of eventsOf(env.client, { workflowId: handle.workflowId }, 2)) read.push(event.eventId);
  expect(read).toEqual((await handle.fetchHistory()).events?.map(({ eventId }) => eventId));
  expect(read.length).toBeGreaterThan(4);
});

test('encrypted histories are read with the data converter, and without it orphans reports that it is missing', async () => {
  const taskQueue = `${env.taskQueue}-encrypted`;
  const plugins = [pluginOf(env.cloud)];
  const stop = await runWorker({ connection: env.connection, taskQueue, plugins, workflowsPath, dataConverter });
  try {
    const client = new Client({ connection: env.client.connection, dataConverter });
    const id = operation();
    const args = [CLOUD, id];
    const handle = await client.workflow.start('waitFor', { taskQueue, workflowId: `encrypted-${id}`, args });
    await until(() => env.cloud.calls.some(({ operationId }) => operationId === id));
    await handle.terminate();
    await closed(handle);
    const desk = new CloudDesk(client, taskQueue, CLOUD);
    const found = await findOrphans(client, desk, CLOUD, Date.now() - HOUR_MS);
    expect(found.orphans.map(({ operation }) => operation.id)).toContain(id);
    await expect(find()).rejects.toThrow(
      `Workflow encrypted-${id} has payloads of the encoding binary/encrypted, which this command cannot read`,
    );
  } finally {
    await stop();
  }
});

test('a task queue without a worker and a server without standalone activities are each reported in one sentence', async () => {
  const desk = new CloudDesk(env.client, 'nobody', CLOUD, '1 s');
  await expect(desk.look('x')).rejects.toThrow(
    'No worker on the task queue nobody has answered within 1 s: start one, or name another by --task-queue.',
  );
  const elsewhere = new CloudDesk(env.client, env.taskQueue, 'nowhere');
  await expect(elsewhere.look('x')).rejects.toMatchObject({
    exitCode: 9,
    message: expect.stringContaining('cloud is "nowhere"') as unknown,
  });
  const old = await startTemporalProcess(['activity.enableStandalone=false']);
  try {
    const connection = await Connection.connect({ address: old.address });
    const there = new CloudDesk(new Client({ connection }), 'any', CLOUD);
    await expect(there.look('x')).rejects.toThrow(
      /^This Temporal server does not support standalone activities, which this command needs \(.*\): use a server/,
    );
    await connection.close();
  } finally {
    await old.remove();
  }
});
