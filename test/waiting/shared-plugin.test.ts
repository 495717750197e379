import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { pluginOf, runWorker, startEnvironment, CLOUD, type TestEnvironment } from '../support/environment';
import { until } from '../support/until';
import { awaitOperation, lingering } from './workflows';

let environment: TestEnvironment;
beforeAll(async () => (environment = await startEnvironment({ worker: false })));
afterAll(() => environment.stop());

test('a worker that drains does not affect watches of another task queue that share its plugin', async () => {
  const { client, cloud, connection, workflow } = environment;
  const plugins = [pluginOf(cloud)];
  const [draining, taskQueue] = [randomUUID(), randomUUID()];
  let release = (): void => undefined;
  const lingers = new Promise<void>((resolve) => (release = resolve));
  let isLingering = false;
  const linger = (): Promise<void> => {
    isLingering = true;
    return lingers;
  };
  const workflowsPath = require.resolve('./workflows');
  const stopDraining = await runWorker({
    connection,
    taskQueue: draining,
    workflowsPath,
    plugins,
    activities: { linger },
  });
  const held = await client.workflow.start(lingering, { ...workflow(), taskQueue: draining, args: [draining] });
  await until(() => isLingering);
  const stop = await runWorker({ connection, taskQueue, workflowsPath, plugins });
  const stopped = stopDraining();
  const operationId = cloud.operation({ after: '1 h', response: { '@type': 'google.protobuf.Empty' } });
  const waiting = await client.workflow.start(awaitOperation, {
    ...workflow(),
    taskQueue,
    args: [{ cloud: CLOUD, operationId }],
  });
  const attempts = async (): Promise<number | null | undefined> =>
    (await waiting.describe()).raw.pendingActivities?.[0]?.attempt;
  await until(async () => (await attempts()) === 1);
  await sleep(3000);
  expect(await attempts()).toBe(1);
  release();
  await stopped;
  await waiting.terminate();
  await held.terminate();
  await stop();
});
