import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { WaitOptions } from 'temporal-lro/workflow';
import { cancels, startScene, taskFailures, type Scene } from './scene';
import { columns, rows, type Column } from './table';
import * as workflows from './workflows';
import type { Told } from './workflows';

/** A cell of the table, and the script that plays it. */
interface Played extends Told {
  operationId: string;
  failures: string[];
}

let scene: Scene;
const played = new Map<string, Promise<Played>>();

beforeAll(async () => {
  scene = await startScene();
  // Those whose time is limited come first, while the machine is not busy with the others.
  for (const column of columns.toSorted((one, other) => Number(!one.cancelTimeout) - Number(!other.cancelTimeout))) {
    for (const row of Object.keys(rows)) {
      for (const script of scriptsOf(row, column)) {
        const ended = play(row, column, script);
        ended.catch(() => undefined);
        played.set(keyOf(row, column, script), ended);
      }
    }
  }
});
afterAll(() => scene.stop());

/**
 * The scripts that a row plays: the first row all of them, and the others the first one and another one by turns. A
 * caller that does not wait gets the same whatever the cloud does later, so one is enough.
 */
function scriptsOf(row: string, { scripts }: Column): string[] {
  const [first = '', ...others] = Object.keys(scripts);
  const n = Object.keys(rows).indexOf(row);
  if (n === 0) return [first, ...others];
  return /TRY_CANCEL|ABANDON/.test(row) ? [first] : [first, others[n % others.length] ?? first];
}

function keyOf(row: string, { cloud }: Column, script: string): string {
  return JSON.stringify([row, cloud, script]);
}

async function play(row: string, { scripts, cancelTimeout = '30 s' }: Column, name: string): Promise<Played> {
  const script = scripts[name];
  const way = ways[row];
  if (!script || !way) throw new Error(`Nothing plays ${row} × ${name}`);
  const operationId = scene.cloud.operation(script);
  const { handle, told } = await way(operationId, { cancelTimeout });
  return { ...(await told), operationId, failures: await taskFailures(handle) };
}

type Way = (id: string, options: WaitOptions) => Promise<{ handle: WorkflowHandle; told: Promise<Told> }>;

/** How each row of the table is played, and which caller is told. */
const ways: Record<string, Way> = {
  'the workflow': cancelWorkflow,
  "the workflow, with `'TRY_CANCEL'`": (id, options) =>
    cancelWorkflow(id, { ...options, cancellationType: 'TRY_CANCEL' }),
  "the workflow, with `'ABANDON'`": (id, options) => cancelWorkflow(id, { ...options, cancellationType: 'ABANDON' }),
  'a scope': async (id, options) => {
    const args: Parameters<typeof workflows.cancelScope> = [id, options];
    const handle = await scene.client.workflow.start(workflows.cancelScope, { ...scene.workflow(), args });
    return { handle, told: go(id, handle) };
  },
  'the parent of a child': async (id, options) => {
    const args: Parameters<typeof workflows.parent> = [id, options];
    const handle = await scene.client.workflow.start(workflows.parent, { ...scene.workflow(), args });
    await scene.polled(id);
    await handle.cancel();
    return { handle, told: handle.result() };
  },
  'a wait that an `operationScope` left open': async (id, options) => {
    const args: Parameters<typeof workflows.leaveOpen> = [id, options];
    const handle = await scene.client.workflow.start(workflows.leaveOpen, { ...scene.workflow(), args });
    return { handle, told: go(id, handle) };
  },
  "the operation, by its `timeout` with `onTimeout: 'cancel'`": async (id, options) => {
    const args: Parameters<typeof workflows.wait> = [id, { ...options, timeout: '1 s', onTimeout: 'cancel' }];
    const handle = await scene.client.workflow.start(workflows.wait, { ...scene.workflow(), args });
    return { handle, told: toldClient(handle) };
  },
  'the operation, by `handle.cancel()`': async (id, options) => {
    const { handle, told } = await cancelByHandle(id, options);
    const toldOutcome = told.then(({ outcome: { outcome, operation } }) => ({ gets: `\`'${outcome}'\``, operation }));
    return { handle, told: toldOutcome };
  },
  'the operation, by `handle.cancel()`, for another wait on it': async (id, options) => {
    const { handle, told } = await cancelByHandle(id, options);
    return { handle, told: told.then(({ beside }) => beside) };
  },
};

async function cancelWorkflow(id: string, options: WaitOptions): ReturnType<Way> {
  const args: Parameters<typeof workflows.wait> = [id, options];
  const handle = await scene.client.workflow.start(workflows.wait, { ...scene.workflow(), args });
  await scene.polled(id);
  await handle.cancel();
  return { handle, told: toldClient(handle) };
}

async function cancelByHandle(
  id: string,
  options: WaitOptions,
): Promise<{ handle: WorkflowHandle; told: ReturnType<typeof workflows.cancelByHandle> }> {
  const args: Parameters<typeof workflows.cancelByHandle> = [id, options];
  const handle = await scene.client.workflow.start(workflows.cancelByHandle, { ...scene.workflow(), args });
  return { handle, told: go(id, handle) };
}

async function go<T>(id: string, handle: WorkflowHandle<() => Promise<T>>): Promise<T> {
  await scene.polled(id);
  await handle.signal(workflows.go);
  return handle.result();
}

function toldClient(handle: WorkflowHandle): Promise<Told> {
  return handle.result().then(
    () => ({ gets: 'the response' }),
    (err: unknown) => workflows.toldOf(err instanceof WorkflowFailedError ? err.cause : err),
  );
}

const cells = Object.entries(rows).flatMap(([row, gets]) =>
  columns.map((column, i): [string, string, string, Column] => [row, column.cloud, gets[i] ?? '', column]),
);

test.each(cells)('Cancelled is %s, and the cloud %s: %s', async (row, _, gets, column) => {
  for (const name of scriptsOf(row, column)) {
    const ended = await played.get(keyOf(row, column, name));
    if (!ended) throw new Error(`Nothing has played ${row} × ${name}`);
    const { operationId, operation, failures, ...told } = ended;
    expect({ name, ...told }).toMatchObject({ name, gets });
    if (told.gets.startsWith('`Operation')) expect(told.message).toContain(operationId.slice(0, 20));
    if (/StillRunning|TimedOut/.test(gets) && column.why) expect(told.message).toMatch(column.why);
    // A workflow or child that ends as Canceled carries no failure details.
    if (/`(Operation|')/.test(gets) || (/scope/i.test(row) && gets !== 'the response')) {
      expect(operation).toMatchObject({ metadata: { clusterId: 'cluster-1' } });
    }
    expect(failures).toEqual([]);
    const requests = row.includes('ABANDON') ? 0 : (column.requests?.[name] ?? 1);
    const sent = cancels(scene.cloud, operationId);
    expect({ name, requests: requests === 'several' && sent > 0 ? requests : sent }).toEqual({ name, requests });
  }
});
