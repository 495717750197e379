import { join } from 'path';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { iamToken, OperationsPlugin } from 'temporal-lro';
import { CLOUD } from './scripted-cloud';

/** The demo's worker, in its own process, since the demo kills it. Its environment names the servers. */
async function main(): Promise<void> {
  // The demo shows failures at the end. Logging them would disrupt the progress lines.
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const worker = await Worker.create({
    connection: await NativeConnection.connect(connectionOptions),
    namespace,
    taskQueue: 'provision-cluster',
    workflowsPath: require.resolve('./workflows'),
    plugins: [
      new OperationsPlugin({
        clouds: {
          [CLOUD]: {
            endpoint: process.env.CLOUD_ADDRESS ?? '',
            plaintext: true,
            credentials: iamToken(process.env.CLOUD_TOKEN ?? ''),
            descriptors: [join(__dirname, 'cloud/descriptors.binpb')],
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

void main();
