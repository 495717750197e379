import type { WorkflowHandle } from '@temporalio/client';
import type { WaitOptions } from 'temporal-lro/workflow';
import { startSkippingEnvironment, type SkippingEnvironment } from '../support/time-skipping';
import { until } from '../support/until';
import { eventsOf, type HistoryEvent } from './scene';
import * as workflows from './workflows';

const CLUSTER = { '@type': 'fakecloud.v1.Cluster', id: 'cluster-1' };
const EMPTY = { '@type': 'google.protobuf.Empty' };
/** When the wait sleeps by timers, each poll adds 11 events. */
const OFTEN = { initialInterval: '5 s', maximumInterval: '5 s', by: 'timer' } as const;

let environment: SkippingEnvironment;
beforeAll(async () => {
  environment = await startSkippingEnvironment({ worker: { workflowsPath: require.resolve('./workflows') } });
}, 60_000);
afterAll(() => environment.stop());

/** Resolves after that many polls. The test server hangs when an activity is cancelled before it has started. */
async function asleep(handle: WorkflowHandle, waits: number): Promise<void> {
  const isTimer = ({ eventType }: HistoryEvent): boolean => eventType === 'TIMER_STARTED';
  await until(async () => (await eventsOf(handle)).filter(isTimer).length >= waits);
}

test('a long cancellation makes at most 100 timers', async () => {
  const { client, cloud, workflow, historyLength } = environment;
  const id = cloud.operation({ after: '20 h', response: EMPTY, onCancel: 'ignores' });
  const options: WaitOptions = { poll: OFTEN, cancelTimeout: '15 min' };
  const args: Parameters<typeof workflows.wait> = [id, options];
  const handle = await client.workflow.start(workflows.wait, { ...workflow(), args });
  await asleep(handle, 1);
  await handle.cancel();
  const told = await workflows.told(
    handle.result().catch((err: { cause: unknown }) => {
      throw err.cause;
    }),
  );
  expect(told.gets).toBe('`OperationStillRunning`');
  const length = await historyLength(handle.workflowId);
  expect(length).toBeGreaterThan(100 * 11);
  expect(length).toBeLessThan(100 * 11 + 50);
});

test('however many cancellations a workflow has, its history stays below 4,000 events, as later ones sleep by retries', async () => {
  const { client, cloud, workflow, historyLength } = environment;
  const waits = Array.from({ length: 4 }, () => ({
    operationId: cloud.operation({ after: '20 h', response: EMPTY, onCancel: 'ignores' }),
    options: { poll: OFTEN, cancelTimeout: '10 min' } as const,
  }));
  const handle = await client.workflow.start(workflows.waitForMany, { ...workflow(), args: [waits] });
  await asleep(handle, waits.length);
  await handle.cancel();
  const told = await handle.result();
  expect(told.map(({ gets }) => gets)).toEqual(waits.map(() => '`OperationStillRunning`'));
  expect(await historyLength(handle.workflowId)).toBeLessThan(4_000 + waits.length * 25);
});

test('a start that waits long for another operation makes at most 100 timers', async () => {
  const { client, cloud, workflow, historyLength } = environment;
  const inTheWay = cloud.operation({ after: '15 min', response: EMPTY });
  const refuse = { code: 9, message: `conflicting operation "${inTheWay}" detected` };
  let starts = 0;
  cloud.on('/fakecloud.v1.ClusterService/Create').reply(() => (starts++ === 0 ? { refuse } : { response: CLUSTER }));
  const args: Parameters<typeof workflows.execute> = ['prod', { poll: OFTEN }, '30 min'];
  const handle = await client.workflow.start(workflows.execute, { ...workflow(), args });
  expect((await handle.result()).gets).toBe('the response');
  const length = await historyLength(handle.workflowId);
  expect(length).toBeGreaterThan(100 * 11);
  expect(length).toBeLessThan(100 * 11 + 50);
});
