import { setTimeout } from 'node:timers/promises';
import { NetworkService } from 'temporal-lro/testing';
import { operationSearchAttributes, operationWorkflowId } from 'temporal-lro';
import { tableLines, widthOf } from '../src/cli/columns';
import { LIST_LIMITS, listWaits, waitLines, type ListedWait } from '../src/cli/list';
import { CLOUD, startEnvironment, type TestEnvironment } from './support/environment';
import { until } from './support/until';
import { startTemporalProcess, type TemporalProcess } from './support/temporal-process';

let temporal: TemporalProcess;
let env: TestEnvironment;
beforeAll(async () => {
  // A server of its own, since list shows every wait on the server.
  temporal = await startTemporalProcess();
  const worker = { workflowsPath: require.resolve('temporal-lro/workflow-definitions') };
  env = await startEnvironment({ address: temporal.address, worker });
}, 60_000);
afterAll(async () => {
  await env.stop();
  await temporal.remove();
});

/** Visibility is eventually consistent. */
async function listed(count: number, cloud?: string, limits?: typeof LIST_LIMITS): ReturnType<typeof listWaits> {
  for (;;) {
    const found = await listWaits(env.client, cloud, limits);
    if (found.waits.length >= count) return found;
    await setTimeout(50);
  }
}

test('list finds the waits of both workflow types, whatever their workflow IDs, in pages', async () => {
  const { client, taskQueue } = env;
  const start = (workflowId: string, type: string, input: object, queue = 'nobody', more = {}): Promise<unknown> =>
    client.workflow.start(type, { workflowId, taskQueue: queue, args: [input], ...more });
  const names = ['OperationCloud', 'OperationId', 'OperationState', 'OperationResource'];
  const searchAttributes = Object.fromEntries(names.map((name) => [name, 2]));
  await client.connection.operatorService.addSearchAttributes({ namespace: 'default', searchAttributes });

  await start('mine', 'awaitOperation', { cloud: 'nebius', operationId: 'in-input' });
  await start('found', 'awaitOperation', {}, 'nobody', {
    typedSearchAttributes: operationSearchAttributes('nebius', 'in-attributes', 'pg-prod'),
  });
  await start('unreadable', 'awaitOperation', {});
  await start('not-begun', 'executeOperation', { cloud: CLOUD, method: 'x/Y', request: {} });
  env.cloud.on(NetworkService.create).reply(() => ({ after: '1 h', response: {} }));
  const request = { name: 'slow' };
  const input = { cloud: CLOUD, method: NetworkService.create.path, request };
  await start('begun', 'executeOperation', input, taskQueue);
  await start(operationWorkflowId('nebius', 'a/b'), 'awaitOperation', { cloud: 'nebius', operationId: 'a/b' });
  await start(operationWorkflowId('other', 'x'), 'awaitOperation', { cloud: 'other', operationId: 'x' });

  await until(() => env.cloud.calls.some(({ method }) => method.endsWith('/Get')));
  const { waits, notes } = await listed(7, undefined, { ...LIST_LIMITS, pageSize: 2 });
  expect(waits).toHaveLength(7);
  expect(notes).toEqual([]);
  const operationsOf = (some: ListedWait[]): Record<string, string> =>
    Object.fromEntries(
      some.map(({ workflowId, cloud = '-', operationId = '-' }) => [workflowId, `${cloud} ${operationId}`]),
    );
  expect(operationsOf(waits.filter(({ cloud }) => cloud !== 'other'))).toEqual({
    mine: 'nebius in-input',
    found: 'nebius in-attributes',
    unreadable: '- -',
    'not-begun': `${CLOUD} -`,
    begun: expect.stringMatching(new RegExp(`^${CLOUD} [\\w-]{10,}$`)) as unknown,
    'operation/nebius/a/b': 'nebius a/b',
  });
  expect(waits.find(({ workflowId }) => workflowId === 'found')).toMatchObject({
    state: 'running',
    resource: 'pg-prod',
  });

  // A filter by another cloud hides all of them, except for waits whose cloud is unknown.
  const { waits: ours } = await listed(4, 'nebius');
  expect(ours.map(({ workflowId }) => workflowId).sort()).toEqual([
    'found',
    'mine',
    'operation/nebius/a/b',
    'unreadable',
  ]);

  const bounded = await listed(7, undefined, { ...LIST_LIMITS, histories: 1 });
  expect(bounded.notes).toEqual([expect.stringMatching(/^3 of these waits were not inspected, so their operations/)]);
});

describe('the output', () => {
  const wait = (operationId: string, resource?: string): ListedWait => ({
    cloud: 'yandex',
    operationId,
    state: 'running',
    ...(resource !== undefined && { resource }),
    startedAt: new Date().toISOString(),
    workflowId: operationWorkflowId('yandex', operationId),
  });
  const waits = [
    wait('fcmq0j5033e516c56ctq', 'pg-prod'),
    wait('x'.repeat(67)),
    wait('データベースを作成する操作の識別子', '資源🚀'),
    { ...wait('fcm2'), workflowId: 'mine' },
  ];

  test.each([40, 60, 80, 200])('fits a terminal of %d columns, and never truncates an ID', (columns) => {
    const lines = waitLines(waits, columns);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    const joined = lines.map((line) => line.replace(/^OPERATION/, '').trim()).join('');
    for (const { operationId = '' } of waits) expect(joined).toContain(operationId);
  });

  test('is a table with one line for each wait when the output has no width limit', () => {
    const [head, first, ...rest] = waitLines(waits);
    expect(head).toMatch(/^CLOUD +OPERATION +STATE +RESOURCE +WAITING +WORKFLOW$/);
    expect(first).toMatch(/^yandex +fcmq0j5033e516c56ctq +running +pg-prod +\d+ m?s +-$/);
    expect(rest).toHaveLength(3);
    expect(waitLines(waits.slice(0, 1))[0]).toMatch(/WAITING$/);
  });

  test('aligns its columns whatever the display width of their characters', () => {
    const lines = tableLines(
      ['A', 'B'],
      [
        ['識別子', 'x'],
        ['e\u0301', 'x'],
        ['👩‍👩‍👧', 'x'],
        ['abc', 'x'],
      ],
    );
    expect(lines.slice(1).map((line) => widthOf(line.slice(0, line.indexOf('x'))))).toEqual([8, 8, 8, 8]);
    expect(['識別子', 'e\u0301', '👩‍👩‍👧', '🚀', 'ｱ', '⌛', '✔'].map(widthOf)).toEqual([6, 1, 2, 2, 1, 2, 1]);
  });
});
