import { awaitOperation } from 'temporal-lro/workflow-definitions';
import { CLOUD, startEnvironment } from './support/environment';
import { relay } from './support/relay';
import { startWorkerProcess } from './support/worker-process';

const PER_SECOND = 4;
const WAITS = 24;

test('the rate limit of a task queue is shared by all workers that poll it', async () => {
  const workflowsPath = require.resolve('temporal-lro/workflow-definitions');
  const { client, cloud, workflow, taskQueue, stop } = await startEnvironment({ worker: { workflowsPath } });
  const ends = [stop];
  try {
    const activities = `${taskQueue}-limited`;
    const relays = [await relay(cloud.address), await relay(cloud.address)];
    for (const between of relays) {
      ends.push(() => between.close());
      const worker = await startWorkerProcess({
        taskQueue: activities,
        clouds: { [CLOUD]: { endpoint: between.address, plaintext: true, watch: false } },
        maxTaskQueueActivitiesPerSecond: PER_SECOND,
      });
      ends.push(() => worker.kill('SIGTERM'));
    }
    const waits = Array.from({ length: WAITS }, () => {
      const operationId = cloud.operation({ response: { '@type': 'google.protobuf.Empty' } });
      return client.workflow.execute(awaitOperation, {
        ...workflow(),
        args: [{ cloud: CLOUD, operationId, taskQueue: activities, poll: { initialInterval: '1 min' } }],
      });
    });
    await Promise.all(waits);
    const times = cloud.calls.map(({ at }) => at);
    expect(times).toHaveLength(WAITS);
    // Both workers have polled. Otherwise nothing would be shared.
    expect(relays.map((between) => between.connections())).not.toContain(0);
    // The server may dispatch the activities of two seconds at once, and workers may be late by another second.
    const overMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
    expect(overMs).toBeGreaterThan((1000 * (WAITS - 3 * PER_SECOND)) / PER_SECOND);
    process.stdout.write(`${times.length} polls by two workers over ${overMs} ms\n`);
  } finally {
    for (const end of ends.reverse()) await end();
  }
});
