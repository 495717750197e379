import { loadClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { iamToken, OperationsPlugin } from 'temporal-lro';
import { playedCloud } from './clouds';

/**
 * The demo's worker, in its own process, since the demo kills it. Its argument names the cloud, and its environment the
 * servers.
 */
async function main([cloud = '']: string[]): Promise<void> {
  const { name, api, descriptors, workflowsPath } = playedCloud(cloud);
  // The demo shows failures at the end. Logging them would disrupt the progress lines.
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const worker = await Worker.create({
    connection: await NativeConnection.connect(connectionOptions),
    namespace,
    taskQueue: `demo-${cloud}`,
    workflowsPath,
    plugins: [
      new OperationsPlugin({
        clouds: {
          [name]: {
            api,
            endpoint: process.env.CLOUD_ADDRESS ?? '',
            plaintext: true,
            credentials: iamToken(process.env.CLOUD_TOKEN ?? ''),
            descriptors,
            // After a worker is killed, its watched operations are polled again only after 30 s: too long for the demo.
            watch: false,
          },
        },
      }),
    ],
  });
  process.once('disconnect', () => process.exit());
  const running = worker.run();
  process.send?.('polling');
  await running;
  process.exit();
}

void main(process.argv.slice(2));
