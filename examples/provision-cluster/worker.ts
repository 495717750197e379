import { join } from 'path';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { iamToken, OperationsPlugin } from 'temporal-lro';
import { CLOUD } from './scripted-cloud';

/** The demo's worker, a process of its own: the demo kills it. Which servers it connects to is in its environment. */
async function main(): Promise<void> {
  // Failures are what the demo shows in the end; a log of them would tear its progress lines apart.
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
            // What a killed worker is watching is polled again after half a minute, and the demo is shorter than that.
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
