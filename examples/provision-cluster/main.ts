import { fork, type ChildProcess } from 'child_process';
import { once } from 'events';
import { parseArgs } from 'util';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { FakeCloud, startTemporalServer } from 'temporal-lro/testing';
import { playedCloud } from './clouds';
import { isByWorker, showProgress } from './progress';
import { report, type Returned } from './report';

/** How to stop what runs, in the order in which it was started. */
const running: (() => Promise<unknown> | void)[] = [];

/** Runs the workflow of a cloud while its worker is killed, and reports the result. */
async function demo(cloudName: string): Promise<void> {
  const { api, descriptors, workflow, args, summary, script } = playedCloud(cloudName);
  const server = await startTemporalServer({ ui: true });
  running.push(() => server.stop());
  const { address, uiUrl } = server;
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await Connection.connect({ ...connectionOptions, address });
  const client = new Client({ connection, namespace });
  const cloud = await FakeCloud.start({ api, descriptors });
  running.push(() => cloud.close());
  // FakeCloud accepts any token.
  const token = process.env.CLOUD_TOKEN || 'demo';
  const environment = {
    ...process.env,
    TEMPORAL_ADDRESS: address,
    CLOUD_ADDRESS: cloud.address,
    CLOUD_TOKEN: token,
  };
  let worker = await startWorker(cloudName, environment);
  running.push(() => stopWorker(worker, 'SIGTERM'));

  console.log(`Temporal ${address}${uiUrl ? `, its UI ${uiUrl}` : ''}; FakeCloud ${cloud.address}\n`);
  const progress = showProgress(cloud, { api, descriptors });
  running.push(() => progress.stop());
  script(cloud, progress.say);
  const halfway = fifthPoll(cloud);
  const handle = await client.workflow.start<(...args: unknown[]) => Promise<Returned>>(workflow, {
    workflowId: `${workflow}-${Date.now()}`,
    taskQueue: `demo-${cloudName}`,
    args,
    staticSummary: summary,
  });
  const killed = halfway.then(async () => {
    await stopWorker(worker, 'SIGKILL');
    progress.say(`Worker process ${worker.pid} was killed (SIGKILL)`);
    worker = await startWorker(cloudName, environment);
    progress.say(`Worker process ${worker.pid} takes over`);
  });
  const [returned] = await Promise.all([handle.result(), killed]);
  const operations = await progress.stop();
  console.log(await report({ workflowId: handle.workflowId, returned, operations, client, ...(uiUrl && { uiUrl }) }));
}

/** Resolves when an operation has been polled five times, between two polls. */
function fifthPoll(cloud: FakeCloud): Promise<void> {
  return new Promise((resolve) => {
    cloud.intercept(({ operationId }) => {
      const polls = cloud.calls.filter((call) => isByWorker(call) && call.operationId === operationId).length;
      // The operation is polled once a second: no poll is in flight after 400 ms.
      if (operationId !== undefined && polls === 5) setTimeout(resolve, 400);
      return undefined;
    });
  });
}

async function startWorker(cloudName: string, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const worker = fork(require.resolve('./worker'), [cloudName], { env });
  const failed = once(worker, 'exit').then(() => Promise.reject(new Error('The worker process ended at its start')));
  await Promise.race([once(worker, 'message'), failed]);
  return worker;
}

async function stopWorker(worker: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const ended = once(worker, 'exit');
  worker.kill(signal);
  await ended;
}

async function stopAll(): Promise<void> {
  for (const stop of running.splice(0).reverse()) await stop();
}

/** Resolves to the exit code. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { cloud: { type: 'string', default: 'yandex' }, keep: { type: 'boolean', default: false } },
  });
  const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]).then(() => 130);
  try {
    const exitCode = await Promise.race([demo(values.cloud).then(() => 0), interrupted]);
    if (exitCode === 0 && values.keep) {
      console.log('\nEverything is left running. End it with Ctrl-C.');
      await interrupted;
    }
    return exitCode;
  } finally {
    await stopAll();
  }
}

main().then(
  // Exit without closing the client, which may still be trying to reach a server that Ctrl-C has stopped.
  (exitCode) => process.exit(exitCode),
  (err: unknown) => {
    console.error(err instanceof Error ? err.message : err);
    process.exit(1);
  },
);
