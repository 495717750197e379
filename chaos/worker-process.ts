// One worker of a run, in its own process. Its parent passes the options as the only argument, and sends clock offsets.
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { OperationsPlugin, serviceAccountKey } from 'temporal-lro';
import { setClockOffset } from './clock';
import { RESOURCES } from './cloud';
import { CLOUD } from './workflows';

/** The options of the worker, passed to its process as JSON. */
export interface WorkerProcessOptions {
  temporal: string;
  taskQueue: string;
  codePath: string;
  /** The address of the ApiEndpointService, which lists the endpoints of the other services. */
  discovery: string;
  /** An authorized key. */
  key: object;
  clockOffsetMs: number;
}

async function main(json: string): Promise<void> {
  const given: unknown = JSON.parse(json);
  if (!isOptions(given)) throw new Error(`No options of a worker process: ${json}`);
  setClockOffset(given.clockOffsetMs);
  process.on('message', (offsetMs) => {
    if (typeof offsetMs === 'number') setClockOffset(offsetMs);
  });
  // The parent is gone, and nothing else would end this process.
  process.on('disconnect', () => process.exit(1));
  Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: ['SIGTERM'] });
  const worker = await Worker.create({
    connection: await connect(given.temporal),
    taskQueue: given.taskQueue,
    workflowBundle: { codePath: given.codePath },
    shutdownGraceTime: '1 s',
    plugins: [
      new OperationsPlugin({
        clouds: {
          [CLOUD]: {
            discovery: given.discovery,
            credentials: serviceAccountKey(given.key),
            plaintext: true,
            descriptors: [RESOURCES],
            requestTimeout: '5 s',
          },
        },
      }),
    ],
  });
  const running = worker.run();
  process.send?.('polling');
  await running;
  process.exit(0);
}

/** Connects, with retries, since the server may be down. */
async function connect(address: string): Promise<NativeConnection> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await NativeConnection.connect({ address });
    } catch (err) {
      if (attempt === 50) throw err;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** Checks little, since workers.ts wrote the options. */
function isOptions(given: unknown): given is WorkerProcessOptions {
  return typeof given === 'object' && given !== null && 'taskQueue' in given && 'discovery' in given;
}

void main(process.argv[2] ?? '');
