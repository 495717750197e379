import type { WorkflowHandle } from '@temporalio/client';
import { ClusterService } from '../../src/testing/resources';
import { CLOUD } from '../support/environment';
import { startSkippingEnvironment, type SkippingEnvironment } from '../support/time-skipping';
import { awaitResource } from './workflows';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

/** A wait for a reply in skipped time, where intervals under 5 s are slept by activity retries, with the same history. */
type Row = [by: 'timer' | 'activityRetry', lengthMs: number, maximumEvents: number, maximumPolls: number];
const ROWS: Row[] = [
  ['timer', 0, 11, 1],
  ['timer', 99 * SECOND, 11, 60],
  ['activityRetry', 99 * SECOND, 11, 60],
  ['timer', HOUR, 880, 140],
  ['activityRetry', HOUR, 11, 140],
  ['activityRetry', 24 * HOUR, 11, 430],
];

let environment: SkippingEnvironment;
const handles = new Map<string, WorkflowHandle>();
const polls = new Map<string, number>();

beforeAll(async () => {
  environment = await startSkippingEnvironment({ worker: { workflowsPath: require.resolve('./workflows') } });
  const { client, cloud, workflow } = environment;
  const lengths = new Map(ROWS.map(([by, lengthMs]) => [`${by}-${lengthMs}`, lengthMs]));
  cloud.on(ClusterService.get).reply(({ clusterId = '' }) => {
    polls.set(clusterId, (polls.get(clusterId) ?? 0) + 1);
    const running = { response: { status: 'RUNNING' } } as const;
    const after = lengths.get(clusterId) ?? 0;
    return after === 0 ? running : [{ response: { status: 'PROVISIONING' } }, { after, ...running }];
  });
  for (const [clusterId, lengthMs] of lengths) {
    const by = clusterId.startsWith('timer') ? 'timer' : 'activityRetry';
    const input = {
      cloud: CLOUD,
      method: ClusterService.get.path,
      request: { clusterId },
      match: { status: 'RUNNING' },
    };
    const options = { ...workflow(), workflowRunTimeout: lengthMs + HOUR };
    handles.set(
      clusterId,
      await client.workflow.start(awaitResource, { ...options, args: [{ ...input, poll: { by } }] }),
    );
  }
}, 60_000);
afterAll(() => environment.stop());

// All run at once; results are awaited one at a time, the shortest first.
test.each(ROWS)(
  'by %s, %d ms: at most %d events and %d polls',
  async (by, lengthMs, maximumEvents, maximumPolls) => {
    const handle = handles.get(`${by}-${lengthMs}`);
    expect(await handle?.result()).toMatchObject({ status: 'RUNNING' });
    expect(await environment.historyLength(handle?.workflowId ?? '')).toBeLessThanOrEqual(maximumEvents);
    expect(polls.get(`${by}-${lengthMs}`)).toBeLessThanOrEqual(maximumPolls);
  },
  120_000,
);
