import type { WorkflowHandle } from '@temporalio/client';
import type { UnaryScript } from 'temporal-lro/testing';
import { ClusterService, type Cluster } from '../../src/testing/resources';
import { CLOUD, type TestEnvironment } from '../support/environment';
import { until as untilSo } from '../support/until';
import { awaitResource, call, until, untilCancelled } from './workflows';

/** Intervals so long that the workflow sleeps, and the worker does not watch. */
const BY_TIMER = { poll: { initialInterval: '5 s', jitter: 0 } } as const;
const BY_RETRY = { poll: { ...BY_TIMER.poll, by: 'activityRetry' } } as const;

const GET = ClusterService.get.path;

/** The replies for each cluster: all recipes run at the same time. */
const SCRIPTS: Record<string, UnaryScript<Cluster>> = {
  running: { response: { status: 'RUNNING' } },
  provisioning: { response: { status: 'PROVISIONING' } },
  soon: [{ response: { status: 'PROVISIONING' } }, { after: 1500, response: { status: 'RUNNING' } }],
  later: [{ response: { status: 'PROVISIONING' } }, { after: 7000, response: { status: 'RUNNING' } }],
  deleted: [{ response: { status: 'RUNNING' } }, { after: 1500, error: { code: 5 } }],
};

const served = new WeakSet<TestEnvironment>();

function serve(environment: TestEnvironment): TestEnvironment {
  if (served.has(environment)) return environment;
  served.add(environment);
  environment.cloud
    .on(ClusterService.get)
    .reply(({ clusterId = '' }) => SCRIPTS[clusterId] ?? { error: { code: 5, message: 'no such cluster' } });
  return environment;
}

async function ended(started: Promise<WorkflowHandle>): Promise<WorkflowHandle> {
  const handle = await started;
  await handle.result().catch(() => undefined);
  return handle;
}

/** Waits inline. */
function wait(
  environment: TestEnvironment,
  clusterId: string,
  options: Parameters<typeof until>[2],
): Promise<WorkflowHandle> {
  const { client, workflow } = serve(environment);
  return client.workflow.start(until, { ...workflow(), args: [GET, clusterId, options] });
}

const RUNNING = { match: { status: 'RUNNING' } };

/** The recipes of calls and of waits for a reply. */
export const readingRecipes = {
  call: (environment: TestEnvironment) => {
    const { client, workflow } = serve(environment);
    return ended(client.workflow.start(call, { ...workflow(), args: [GET, 'running'] }));
  },
  'call-refused': (environment: TestEnvironment) => {
    const { client, workflow } = serve(environment);
    return ended(client.workflow.start(call, { ...workflow(), args: [GET, 'none'] }));
  },
  'until-watched': (environment: TestEnvironment) => ended(wait(environment, 'soon', RUNNING)),
  'until-timers': (environment: TestEnvironment) => ended(wait(environment, 'later', { ...RUNNING, ...BY_TIMER })),
  'until-activity-retry': (environment: TestEnvironment) =>
    ended(wait(environment, 'later', { ...RUNNING, ...BY_RETRY })),
  'until-absent': (environment: TestEnvironment) => ended(wait(environment, 'deleted', { match: 'absent' })),
  'until-failed': (environment: TestEnvironment) =>
    ended(wait(environment, 'running', { match: { status: 'PROVISIONING' }, fail: { status: 'RUNNING' } })),
  'until-timed-out': (environment: TestEnvironment) =>
    ended(wait(environment, 'provisioning', { ...RUNNING, timeout: '2 s' })),
  'until-cancelled': (environment: TestEnvironment) => {
    const { client, workflow } = serve(environment);
    return ended(client.workflow.start(untilCancelled, { ...workflow(), args: [GET, 'provisioning'] }));
  },
  'await-resource': async (environment: TestEnvironment) => {
    const { client, workflow } = serve(environment);
    const input = { cloud: CLOUD, method: GET, request: { clusterId: 'later' }, ...RUNNING, ...BY_TIMER };
    const handle = await client.workflow.start(awaitResource, { ...workflow(), args: [input] });
    await untilSo(async () => (await handle.describe()).historyLength >= 10);
    await handle.signal('resourceChanged');
    return ended(Promise.resolve(handle));
  },
};
