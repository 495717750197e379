import { operationFailure, OperationsPlugin, type OperationFailure } from 'temporal-lro';
import { yandexApi } from '../../src/apis/yandex';
import { DISK_DESCRIPTORS, DiskCloud } from '../support/disks';
import { runWorker, startEnvironment, type TestEnvironment } from '../support/environment';

export interface DiskEnvironment extends Omit<TestEnvironment, 'cloud'> {
  disks: DiskCloud;
}

/** A worker that knows a {@link DiskCloud} as `disks`; and as `unmarked`, with an API that cannot mark a call with a key. */
export async function startDisks(address?: string): Promise<DiskEnvironment> {
  const on = address === undefined ? {} : { address };
  const { cloud: _, ...environment } = await startEnvironment({ worker: false, ...on });
  const disks = await DiskCloud.start();
  const options = { endpoint: disks.address, plaintext: true, descriptors: [DISK_DESCRIPTORS] };
  const { connection, taskQueue } = environment;
  const stopWorker = await runWorker({
    connection,
    taskQueue,
    workflowsPath: require.resolve('./workflows'),
    plugins: [
      new OperationsPlugin({
        clouds: { disks: options, unmarked: { ...options, api: { ...yandexApi, mark: () => undefined } } },
      }),
    ],
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
