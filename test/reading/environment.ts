import { operationFailure, OperationsPlugin, type OperationFailure } from 'temporal-lro';
import type { WorkerOptions } from '@temporalio/worker';
import { yandexApi } from '../../src/apis/yandex';
import { DISK_DESCRIPTORS, DiskCloud } from '../support/disks';
import { runWorker, startEnvironment, type TestEnvironment } from '../support/environment';

export interface DiskEnvironment extends Omit<TestEnvironment, 'cloud'> {
  disks: DiskCloud;
}

/** A worker that knows a {@link DiskCloud} as `disks`; and as `unmarked`, with an API that cannot mark a call with a key. */
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
    plugins: [
      new OperationsPlugin({
        clouds: { disks: options, unmarked: { ...options, api: { ...yandexApi, mark: () => undefined } } },
      }),
    ],
    ...worker,
  });
  const stop = async (): Promise<void> => {
    await stopWorker();
    await disks.close();
    await environment.stop();
  };
  return { ...environment, disks, stop };
}

/** The operation failure with which `work` ends. */
export async function failureOf(work: Promise<unknown>): Promise<OperationFailure> {
  const err: unknown = await work.then(
    () => new Error('It did not fail'),
    (reason: unknown) => reason,
  );
  const found = operationFailure(err);
  if (!found) throw err;
  return found;
}
