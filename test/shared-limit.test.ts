import { FakeCloud } from 'temporal-lro/testing';
import { awaitOperation } from 'temporal-lro/workflow-definitions';
import { CLOUD, closeCloud, startEnvironment } from './support/environment';
import { startWorkerProcess } from './support/worker-process';

const PER_SECOND = 4;
const WAITS = 24;

test('the rate limit of a task queue is shared by all workers that poll it', async () => {
  const workflowsPath = require.resolve('temporal-lro/workflow-definitions');
  const { client, cloud, workflow, taskQueue, stop } = await startEnvironment({ worker: { workflowsPath } });
  const ends = [stop];
  try {
    const activities = `${taskQueue}-limited`;
    // Each worker has a cloud of its own, which counts its polls; both clouds know the operations.
    const other = await FakeCloud.start();
    ends.push(() => closeCloud(other));
    for (const { address } of [cloud, other]) {
      const worker = await startWorkerProcess({
        taskQueue: activities,
        clouds: { [CLOUD]: { endpoint: address, plaintext: true, watch: false } },
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
    const polls = [cloud, other].map(({ calls }) => calls.map(({ at }) => at));
    const times = polls.flat().sort((a, b) => a - b);
    expect(times).toHaveLength(WAITS);
    // Otherwise nothing would be shared.
    expect(Math.min(...polls.map((of) => of.length))).toBeGreaterThan(0);
    // The server may dispatch the activities of two seconds at once, and workers may be late by another second.
    const overMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
    expect(overMs).toBeGreaterThan((1000 * (WAITS - 3 * PER_SECOND)) / PER_SECOND);
    process.stdout.write(`${polls.map((of) => of.length).join(' + ')} polls by two workers over ${overMs} ms\n`);
  } finally {
    for (const end of ends.reverse()) await end();
  }
});
