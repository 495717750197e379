import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChildWorkflowCancellationType, ParentClosePolicy } from '@temporalio/workflow';
import { operationWorkflowId } from 'temporal-lro';
import { CLOUD } from '../support/environment';
import { cancels, eventsOf, startScene, type Scene } from './scene';
import { columns, rows } from './table';
import * as workflows from './workflows';

const root = join(__dirname, '..', '..', '..');
const page = readFileSync(join(root, 'docs', 'cancelling.md'), 'utf8');

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterAll(() => scene.stop());

const LONG = { after: '1 h', response: { '@type': 'google.protobuf.Empty' } } as const;

/** The cells of the page's tables without the header rows, keyed by the first cell of each row. */
function table(first: string): string[][] {
  const lines = page.split('\n').map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const header = lines.findIndex(([cell]) => cell === first);
  const end = lines.findIndex((cells, i) => i > header && cells.length === 0);
  return [lines[header] ?? [], ...lines.slice(header + 2, end)];
}

test('the table of docs/cancelling.md equals the table that the tests play, cell by cell', () => {
  const [header, ...body] = table('Cancelled is');
  expect(header).toEqual(['Cancelled is', ...columns.map(({ cloud }) => `the cloud ${cloud}`)]);
  expect(body).toEqual(Object.entries(rows).map(([row, cells]) => [row, ...cells]));
});

test('the code of docs/cancelling.md is the code that these tests compile and run', () => {
  const source = readFileSync(join(root, 'test', 'cancelling', 'documented.ts'), 'utf8');
  const blocks = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);
  expect(blocks.length).toBe(source.match(/^export /gm)?.length);
  for (const block of blocks) expect(source).toContain(block);
});

const types: [ChildWorkflowCancellationType, string, string, string][] = [
  ['WAIT_CANCELLATION_COMPLETED', '`WAIT_CANCELLATION_COMPLETED`, the default', 'how the child ended', 'is cancelled'],
  ['WAIT_CANCELLATION_REQUESTED', '`WAIT_CANCELLATION_REQUESTED`', 'how the child ended', 'is cancelled'],
  ['TRY_CANCEL', '`TRY_CANCEL`', '`CancelledFailure` at once', 'is cancelled'],
  ['ABANDON', '`ABANDON`', '`CancelledFailure` at once', 'goes on, and so does the child'],
];

test('docs/cancelling.md lists every child cancellation type and every parent close policy', () => {
  const [, ...body] = table('`cancellationType` of the child');
  expect(body.map(([type = '', gets = '', becomes]) => [type, gets.split(',')[0], becomes])).toEqual(
    types.map(([, ...cells]) => cells),
  );
  expect(types.map(([type]) => type).sort()).toEqual(Object.keys(ChildWorkflowCancellationType).sort());
  const [, ...policies] = table('`parentClosePolicy`');
  expect(policies.map(([policy = '']) => policy.replace(/`|,.*/g, '')).sort()).toEqual(policyNames.sort());
});

const policyNames = Object.keys(ParentClosePolicy).filter(
  (name) => /^[A-Z]+(_[A-Z]+)?$/.test(name) && !/POLICY|UNSPECIFIED/.test(name),
);

test.each(types)(
  'the child of a parent that cancels it by %s ends as docs/cancelling.md says',
  async (cancellationType, _, gets, becomes) => {
    // The child completes although it is cancelled; a parent that does not wait for this gets a CancelledFailure.
    const operationId = scene.cloud.operation({ ...LONG, onCancel: { completesAfter: 1000 } });
    const args: Parameters<typeof workflows.parent> = [operationId, {}, cancellationType];
    const handle = await scene.client.workflow.start(workflows.parent, { ...scene.workflow(), args });
    await scene.polled(operationId);
    await handle.cancel();
    expect((await handle.result()).gets).toBe(gets === 'how the child ended' ? 'the response' : '`CancelledFailure`');
    await expectBecomes(operationId, becomes);
  },
);

test.each<[Exclude<ParentClosePolicy, undefined>, string]>([
  ['REQUEST_CANCEL', 'is cancelled'],
  ['TERMINATE', 'goes on, and nobody waits for it'],
  ['ABANDON', 'goes on, and so does the child'],
])(
  'the child of a parent that closes first with the policy %s ends as docs/cancelling.md says',
  async (policy, becomes) => {
    expect(table('`parentClosePolicy`').find(([cell]) => cell?.includes(policy))?.[1]).toBe(becomes);
    const operationId = scene.cloud.operation(LONG);
    const args: Parameters<typeof workflows.closeBeforeChild> = [operationId, policy];
    const handle = await scene.client.workflow.start(workflows.closeBeforeChild, { ...scene.workflow(), args });
    await scene.polled(operationId);
    await handle.signal(workflows.go);
    await handle.result();
    await expectBecomes(operationId, becomes);
  },
);

/** What happens to the operation and to the child that waits for it. */
async function expectBecomes(operationId: string, becomes: string): Promise<void> {
  const child = scene.client.workflow.getHandle(operationWorkflowId(CLOUD, operationId));
  const isCancelled = becomes === 'is cancelled';
  if (!becomes.includes('so does the child')) await child.result().catch(() => undefined);
  const { status } = await child.describe();
  if (isCancelled) expect(['CANCELLED', 'COMPLETED']).toContain(status.name);
  else expect(status.name).toBe(becomes.includes('nobody') ? 'TERMINATED' : 'RUNNING');
  expect(cancels(scene.cloud, operationId)).toBe(isCancelled ? 1 : 0);
}

test('giveUp reports what has to be cleaned up', async () => {
  const metadata = { '@type': 'fakecloud.v1.CreateClusterMetadata', clusterId: 'cluster-1' };
  const options = { ...LONG, metadata };
  const give = (operationId: string): Promise<unknown> =>
    scene.client.workflow.execute(workflows.giveUp, { ...scene.workflow(), args: [operationId] });
  expect(await give(scene.cloud.operation(options))).toBeUndefined();
  expect(await give(scene.cloud.operation({ ...options, onCancel: 'completes' }))).toMatchObject({
    clusterId: 'cluster-1',
  });
});

test('waitForBoth leaves no operation running when one of the two fails', async () => {
  const other = scene.cloud.operation(LONG);
  const one = scene.cloud.operation({ after: 500, error: { code: 8 } });
  const both = scene.client.workflow.execute(workflows.waitForBoth, { ...scene.workflow(), args: [one, other] });
  await expect(both).rejects.toMatchObject({ cause: { type: 'OperationFailed' } });
  expect(cancels(scene.cloud, other)).toBe(1);
});

test('withinAnHour returns the response of an operation that ends in time', async () => {
  const args: Parameters<typeof workflows.withinAnHour> = [scene.cloud.operation({ ...LONG, after: 0 })];
  const response = await scene.client.workflow.execute(workflows.withinAnHour, { ...scene.workflow(), args });
  expect(response['@type']).toContain('google.protobuf.Empty');
});

test('clusterOf tells a parent that the operation is still running, and the UI shows why', async () => {
  const description = 'Create cluster';
  const refuses = { code: 12, message: 'not supported' };
  const operationId = scene.cloud.operation({ ...LONG, after: 4000, description, onCancel: { refuses } });
  const args: Parameters<typeof workflows.clusterOf> = [operationId];
  const handle = await scene.client.workflow.start(workflows.clusterOf, { ...scene.workflow(), args });
  await scene.polled(operationId);
  await handle.cancel();
  expect(await handle.result()).toMatch(/^created /);
  const child = scene.client.workflow.getHandle(operationWorkflowId(CLOUD, operationId));
  const summaries = (await eventsOf(child)).flatMap(({ userMetadata }) => userMetadata?.summary?.data ?? []);
  const lines = summaries.map((data): unknown => JSON.parse(Buffer.from(data, 'base64').toString()));
  expect(lines.at(-1)).toMatch(/ · cancel refused: UNIMPLEMENTED · poll \d+$/);
});
