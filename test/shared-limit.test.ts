import { awaitOperation } from 'temporal-lro/workflow-definitions';
import { CLOUD, runWorker, startEnvironment } from './support/environment';

test('the activities of a task queue are one cap for all workers that poll it', async () => {
  const limit = { maxTaskQueueActivitiesPerSecond: 4 };
  const workflowsPath = require.resolve('temporal-lro/workflow-definitions');
  const environment = await startEnvironment({ worker: { workflowsPath, ...limit } });
  const { client, cloud, connection, taskQueue, workflow } = environment;
  const stop = await runWorker({ connection, taskQueue, workflowsPath, plugins: [cloud.plugin(CLOUD)], ...limit });
  try {
    const waits = Array.from({ length: 16 }, () => {
      const operationId = cloud.operation({ response: { '@type': 'google.protobuf.Empty' } });
      const args: Parameters<typeof awaitOperation> = [
        { cloud: CLOUD, operationId, poll: { initialInterval: '1 min' } },
      ];
      return client.workflow.execute(awaitOperation, { ...workflow(), args });
    });
    await Promise.all(waits);
    const times = cloud.calls.map(({ at }) => at).sort((a, b) => a - b);
    expect(times).toHaveLength(16);
    // 4 at once, then one in 250 ms.
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(2_000);
  } finally {
    await stop();
    await environment.stop();
  }
});
