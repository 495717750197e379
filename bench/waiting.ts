// npm run bench: measures the cost and lateness of waits with this package and with common hand-written patterns,
// against a local Temporal server and cloud, one pattern after the other in one process. Names of patterns as arguments
// choose them and their order.
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { OperationsPlugin } from 'temporal-lro';
import { FakeCloud, startTemporalServer } from 'temporal-lro/testing';
import * as activities from './activities';
import * as workflows from './workflows';

const { connect, ...pollingActivities } = activities;
const SECOND = 1_000;
/** The number of concurrent waits, and the lengths over which their ends are spread. */
const COUNT = 50;
const SHORTEST_MS = 10 * SECOND;
const LONGEST_MS = 30 * SECOND;

const PATTERNS: [name: string, workflow: (operationId: string) => Promise<void>][] = [
  ['temporal-lro', workflows.temporalLro],
  ['temporal-lro, until', workflows.temporalLroUntil],
  ['timer + activity, 1 s', workflows.timerLoop],
  ['activity retry, 1 s', workflows.activityRetry],
  ['heartbeating loop, 1 s', workflows.heartbeatLoop],
];

interface Figures {
  events: number;
  polls: number;
  cpuMs: number;
  lateness: number[];
}

const sum = (numbers: number[]): number => numbers.reduce((total, n) => total + n, 0);

/** Measures one pattern. Values are per wait; the lateness is a list with that of each wait. */
async function measure(
  client: Client,
  cloud: FakeCloud,
  taskQueue: string,
  type: (operationId: string) => Promise<void>,
): Promise<Figures> {
  const cpu = process.cpuUsage();
  const waits = await Promise.all(
    Array.from({ length: COUNT }, async (_, i) => {
      const after = SHORTEST_MS + ((LONGEST_MS - SHORTEST_MS) * i) / COUNT;
      const endsAt = Date.now() + after;
      const operationId = cloud.operation({ after, response: { '@type': 'google.protobuf.Empty' } });
      const handle = await client.workflow.start(type, { taskQueue, workflowId: randomUUID(), args: [operationId] });
      return { handle, operationId, endsAt };
    }),
  );
  await Promise.all(waits.map(({ handle }) => handle.result()));
  const { user, system } = process.cpuUsage(cpu);
  const lengths = await Promise.all(waits.map(async ({ handle }) => (await handle.describe()).historyLength));
  const ids = new Set(waits.map(({ operationId }) => operationId));
  const calls = cloud.calls.filter(({ operationId = '' }) => ids.has(operationId));
  const seenAt = new Map(calls.map(({ operationId, at }) => [operationId, at]));
  return {
    events: sum(lengths) / COUNT,
    polls: calls.length / COUNT,
    cpuMs: (user + system) / 1000 / COUNT,
    lateness: waits.map(({ operationId, endsAt }) => (seenAt.get(operationId) ?? NaN) - endsAt).sort((a, b) => a - b),
  };
}

/** The patterns of these names, in this order; all of them if there is no name. A repeated name is measured again. */
function chosen(names: string[]): typeof PATTERNS {
  if (names.length === 0) return PATTERNS;
  return names.map((name) => {
    const found = PATTERNS.find(([known]) => known === name);
    if (!found) throw new Error(`No pattern is called ${name}: ${PATTERNS.map(([known]) => known).join('; ')}`);
    return found;
  });
}

function row(cells: string[]): string {
  return `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(22) : cell.padStart(12))).join(' | ')} |`;
}

async function main(): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const server = await startTemporalServer();
  const cloud = await FakeCloud.start();
  connect(cloud.address);
  const { address } = server;
  const connection = await NativeConnection.connect({ address });
  const clientConnection = await Connection.connect({ address });
  const taskQueue = randomUUID();
  const worker = await Worker.create({
    connection,
    taskQueue,
    workflowsPath: require.resolve('./workflows'),
    activities: pollingActivities,
    plugins: [new OperationsPlugin({ clouds: { bench: { endpoint: cloud.address, plaintext: true } } })],
  });
  await worker.runUntil(async () => {
    console.log(`${COUNT} waits at once of ${SHORTEST_MS / SECOND}–${LONGEST_MS / SECOND} s, figures of one wait`);
    console.log(row(['', 'events', 'polls', 'late, p50', 'late, max', 'CPU, ms', 'CPU, ratio']));
    let ours: number | undefined;
    for (const [name, type] of chosen(process.argv.slice(2))) {
      const { events, polls, cpuMs, lateness } = await measure(
        new Client({ connection: clientConnection }),
        cloud,
        taskQueue,
        type,
      );
      ours ??= cpuMs;
      const [median = NaN, latest = NaN] = [lateness[COUNT / 2], lateness.at(-1)];
      const seconds = (ms: number): string => `${(ms / SECOND).toFixed(2)} s`;
      const figures = [events.toFixed(0), polls.toFixed(1), seconds(median), seconds(latest), cpuMs.toFixed(0)];
      console.log(row([name, ...figures, (cpuMs / ours).toFixed(1)]));
    }
  });
  await connection.close();
  await clientConnection.close();
  await cloud.close();
  await server.stop();
}

main().catch((err: unknown) => {
  console.error(err);
  process.exitCode = 1;
});
