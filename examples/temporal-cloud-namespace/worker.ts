import { join } from 'path';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Worker } from '@temporalio/worker';
import { apiKey, OperationsPlugin, temporalCloud } from 'temporal-lro';
import { TASK_QUEUE } from './task-queue';

/** A worker on any Temporal server, also a local one: TEMPORAL_CLOUD_API_KEY is only for the operations API. */
async function main(): Promise<void> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions);
  try {
    const credentials = apiKey(process.env.TEMPORAL_CLOUD_API_KEY ?? '');
    const descriptors = [join(__dirname, 'cloud/descriptors.binpb')];
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue: TASK_QUEUE,
      workflowsPath: require.resolve('./workflows'),
      plugins: [new OperationsPlugin({ clouds: { temporalCloud: temporalCloud({ credentials, descriptors }) } })],
    });
    await worker.run();
  } finally {
    await connection.close();
  }
}

main().catch((err: unknown) => {
  console.error(err);
  process.exitCode = 1;
});
