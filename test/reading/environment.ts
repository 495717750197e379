import { OperationsPlugin } from 'temporal-lro';
import type { WorkerOptions } from '@temporalio/worker';
import { DISK_DESCRIPTORS, DiskCloud } from '../support/disks';
import { runWorker, startEnvironment, type TestEnvironment } from '../support/environment';

export interface DiskEnvironment extends Omit<TestEnvironment, 'cloud'> {
  disks: DiskCloud;
}

/** A worker that knows a {@link DiskCloud} as `disks`. */
export async function startDisks(
  workflowsPath = require.resolve('./workflows'),
  worker: Partial<WorkerOptions> = {},
): Promise<DiskEnvironment> {
  const { cloud: _, ...environment } = await startEnvironment({ worker: false });
  const disks = await DiskCloud.start();
  const options = { endpoint: disks.address, plaintext: true, descriptors: [DISK_DESCRIPTORS] };
  const { connection, taskQueue } = environment;
  const stopWorker = await runWorker({
    connection,
    taskQueue,
    workflowsPath,
    plugins: [new OperationsPlugin({ clouds: { disks: options } })],
    ...worker,
  });
  const stop = async (): Promise<void> => {
    await stopWorker();
    await disks.close();
    await environment.stop();
  };
  return { ...environment, disks, stop };
}
