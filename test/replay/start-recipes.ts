import type { WorkflowHandle } from '@temporalio/client';
import { operationChanged } from 'temporal-lro';
import type { JsonObject } from 'temporal-lro/workflow';
import type { OperationScript, Script } from 'temporal-lro/testing';
import { CLOUD, type TestEnvironment } from '../support/environment';
import { until } from '../support/until';
import { execute, executeOperation, startAndAwait } from './workflows';

const CLUSTER = '/fakecloud.v1.ClusterService/Create';
const NETWORK = '/fakecloud.v1.NetworkService/Create';
const NODE_GROUP = '/fakecloud.v1.NodeGroupService/Create';
const CREATED: OperationScript = { after: 1500, response: { '@type': 'fakecloud.v1.Cluster', id: 'c' } };
const BUSY = { code: 8, message: 'The limit on maximum number of active operations has exceeded.' };

/** Starts the workflow `execute`. All recipes run at the same time, so each has a method or a name of its own. */
function run({ client, workflow }: TestEnvironment, path: string, name: string): Promise<WorkflowHandle> {
  return client.workflow.start(execute, { ...workflow(), args: [path, name] });
}

async function ended(handle: WorkflowHandle): Promise<WorkflowHandle> {
  await handle.result().catch(() => undefined);
  return handle;
}

/** The conflicting operation; the cloud of each test run has its own. */
const conflicting = new WeakMap<TestEnvironment, string>();

/** The reply of ClusterService.Create for each name; some names are refused the first time. */
function serve(environment: TestEnvironment): void {
  if (conflicting.has(environment)) return;
  const { cloud } = environment;
  const id = cloud.operation({ after: 2500, response: { '@type': 'google.protobuf.Empty' } });
  conflicting.set(environment, id);
  const seen = new Set<unknown>();
  const first: Record<string, Script> = {
    busy: { refuse: BUSY },
    conflict: { refuse: { code: 9, message: `conflicting operation "${id}" detected` } },
    refused: { refuse: { code: 7, message: 'no role' } },
  };
  cloud.on({ path: CLUSTER }).reply(({ name }: JsonObject) => {
    const script = seen.has(name) ? undefined : first[String(name)];
    seen.add(name);
    return script ?? CREATED;
  });
}

/** Recipes for what starts operations; see the recipes of waits. */
export const startRecipes: Record<string, (environment: TestEnvironment) => Promise<WorkflowHandle>> = {
  ...Object.fromEntries(
    ['done', 'busy', 'conflict', 'refused'].map((name) => [
      `execute-${name}`,
      async (environment: TestEnvironment) => {
        serve(environment);
        return ended(await run(environment, CLUSTER, name));
      },
    ]),
  ),
  'execute-lost-reply': async (environment) => {
    environment.cloud.intercept(({ method, count }) =>
      method === NETWORK && count === 1 ? { lostReply: true } : undefined,
    );
    return ended(await run(environment, NETWORK, 'lost'));
  },
  'execute-cancelled-early': async (environment) => {
    const { cloud } = environment;
    cloud.intercept(({ method }) => (method === NODE_GROUP ? { hang: 1000 } : undefined));
    const handle = await run(environment, NODE_GROUP, 'cancelled');
    await until(() => cloud.calls.some(({ method }) => method === NODE_GROUP));
    await handle.cancel();
    return ended(handle);
  },
  'start-result': async (environment) => {
    serve(environment);
    const { client, workflow } = environment;
    return ended(await client.workflow.start(startAndAwait, { ...workflow(), args: ['shared'] }));
  },
  'execute-operation': async (environment) => {
    serve(environment);
    const { client, workflow } = environment;
    const handle = await client.workflow.start(executeOperation, {
      ...workflow(),
      args: [{ cloud: CLOUD, method: CLUSTER, request: { name: 'type' } }],
    });
    await handle.signal(operationChanged);
    return ended(handle);
  },
};
