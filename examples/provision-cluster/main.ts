import { fork, type ChildProcess } from 'child_process';
import { once } from 'events';
import { join } from 'path';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { startTemporalServer } from 'temporal-lro/testing';
import { showProgress } from './progress';
import { report } from './report';
import { sayClusterReads, startScriptedCloud } from './scripted-cloud';
import { provisionCluster } from './workflows';

/** How to stop what runs, in the order in which it was started. */
const running: (() => Promise<unknown> | void)[] = [];

/** Provisions a cluster while its worker is killed, and reports the result. */
async function demo(): Promise<void> {
  const server = await startTemporalServer({ ui: true });
  running.push(() => server.stop());
  const { address, uiUrl } = server;
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await Connection.connect({ ...connectionOptions, address });
  const client = new Client({ connection, namespace });
  const { cloud, clusterHalfway } = await startScriptedCloud();
  running.push(() => cloud.close());
  // FakeCloud accepts any token.
  const token = process.env.CLOUD_TOKEN || 'demo';
  const environment = {
    ...process.env,
    TEMPORAL_ADDRESS: address,
    CLOUD_ADDRESS: cloud.address,
    CLOUD_TOKEN: token,
  };
  let worker = await startWorker(environment);
  running.push(() => stopWorker(worker, 'SIGTERM'));

  console.log(`Temporal ${address}${uiUrl ? `, its UI ${uiUrl}` : ''}; FakeCloud ${cloud.address}\n`);
  const progress = showProgress(cloud, [join(__dirname, 'cloud/descriptors.binpb')]);
  running.push(() => progress.stop());
  sayClusterReads(cloud, progress.say);
  const handle = await client.workflow.start(provisionCluster, {
    workflowId: `provision-cluster-${Date.now()}`,
    taskQueue: 'provision-cluster',
    args: ['demo', { web: 3, batch: 2, gpu: 8 }],
    staticSummary: 'Provision the cluster demo',
  });
  const killed = clusterHalfway.then(async () => {
    await stopWorker(worker, 'SIGKILL');
    progress.say(`Worker process ${worker.pid} was killed (SIGKILL)`);
    worker = await startWorker(environment);
    progress.say(`Worker process ${worker.pid} takes over`);
  });
  const [provisioned] = await Promise.all([handle.result(), killed]);
  const operations = await progress.stop();
  console.log(
    await report({ workflowId: handle.workflowId, provisioned, operations, client, ...(uiUrl && { uiUrl }) }),
  );
}

async function startWorker(env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const worker = fork(require.resolve('./worker'), { env });
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
  const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]).then(() => 130);
  try {
    const exitCode = await Promise.race([demo().then(() => 0), interrupted]);
    if (exitCode === 0 && process.argv.includes('--keep')) {
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
