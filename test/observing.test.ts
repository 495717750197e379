import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { PayloadCodec } from '@temporalio/common';
import { DefaultLogger, type LogEntry } from '@temporalio/worker';
import { OperationsPlugin } from 'temporal-lro';
import { ClusterService } from 'temporal-lro/testing';
import type { awaitOperation, executeOperation } from 'temporal-lro/workflow-definitions';
import { METRICS } from '../src/model/names';
import {
  CLOUD,
  pluginOf,
  quietRuntime,
  runWorker,
  startEnvironment,
  type TestEnvironment,
} from './support/environment';
import { look } from './end-to-end/workflows';
import { CREDENTIALS, leave, leaveLog, MARK } from './support/left-behind';
import { freeAddress } from './support/listen';
import { PROTO_DIRECTORY } from './support/proto';

const BUCKETS = {
  [METRICS.pollLatency.name]: [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000],
  [METRICS.lateness.name]: [250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000],
};
const poll = { initialInterval: '100 ms' } as const;

let env: TestEnvironment;
let stopWorker: () => Promise<void>;
let metricsUrl: string;
const logs: LogEntry[] = [];

beforeAll(async () => {
  const bindAddress = await freeAddress();
  metricsUrl = `http://${bindAddress}/metrics`;
  quietRuntime({
    logger: new DefaultLogger('DEBUG', (entry) => {
      logs.push(entry);
      leaveLog(entry);
    }),
    telemetryOptions: { metrics: { prometheus: { bindAddress, histogramBucketOverrides: BUCKETS } } },
  });
  env = await startEnvironment({ worker: false });
  const cloud = {
    endpoint: env.cloud.address,
    plaintext: true,
    credentials: CREDENTIALS,
    descriptors: [join(PROTO_DIRECTORY, 'fakecloud.binpb')],
  };
  stopWorker = await runWorker({
    connection: env.connection,
    taskQueue: env.taskQueue,
    plugins: [new OperationsPlugin({ clouds: { [CLOUD]: cloud } })],
    workflowsPath: require.resolve('./end-to-end/workflows'),
  });
});
afterAll(async () => {
  leave('metrics', await (await fetch(metricsUrl)).text());
  await stopWorker();
  await env.stop();
});

const empty = { '@type': 'google.protobuf.Empty' };
const wait = (operationId: string) =>
  env.client.workflow.start<typeof awaitOperation>('awaitOperation', {
    ...env.workflow(),
    args: [{ cloud: CLOUD, operationId, poll }],
  });

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Our metrics, as a Prometheus server would scrape them from the worker now. */
async function scrape(): Promise<Sample[]> {
  const text = await (await fetch(metricsUrl)).text();
  return text.split('\n').flatMap((line) => {
    const [, name = '', labels = '', value] = /^(temporal_lro_\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', text = '']) => [label, text] as const);
    return name === '' ? [] : [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

async function value(name: string, labels: Record<string, string> = {}): Promise<number> {
  const samples = await scrape();
  const fits = (sample: Sample): boolean =>
    sample.name === name && Object.entries(labels).every(([label, text]) => sample.labels[label] === text);
  return samples.filter(fits).reduce((sum, sample) => sum + sample.value, 0);
}

test('a healthy wait logs nothing at INFO and above, and each poll at DEBUG with the same fields', async () => {
  logs.length = 0;
  const metadata = { '@type': 'fakecloud.v1.CreateClusterMetadata', progressPercentage: 40, step: 'creating VMs' };
  const id = env.cloud.operation({ after: 3_000, metadata, response: empty });
  await (await wait(id)).result();
  const fields = { cloud: CLOUD, operationId: id };
  const polls = logs.filter(({ message }) => message === 'Operation polled').map(({ meta }) => meta);
  expect(polls.length).toBeGreaterThan(1);
  expect(polls[0]).toMatchObject({ ...fields, state: 'running', percent: 40, step: 'creating VMs' });
  expect(polls[0]).toHaveProperty('nextPollInMs');
  expect(polls.at(-1)).toMatchObject({ ...fields, state: 'succeeded' });
  expect(logs.filter(({ level }) => level !== 'DEBUG' && level !== 'TRACE')).toEqual([]);
});

test('a wait logs a warning when only the owner of the worker can fix its configuration', async () => {
  logs.length = 0;
  const faults = [{ on: 'Get' as const, calls: 1, code: 7, message: 'role revoked' }];
  const id = env.cloud.operation({ after: 0, response: empty, faults });
  const schedule = { ...poll, maximumInterval: '100 ms' } as const;
  const begun = { startedAtMs: Date.now() - 120_000, polls: 1, timers: 0, record: { known: true, failures: 0 } };
  await env.client.workflow.execute('awaitOperation', {
    ...env.workflow(),
    args: [{ cloud: CLOUD, operationId: id, poll: schedule }, begun],
  });
  const [warning, ...others] = logs.filter(({ level }) => level === 'WARN');
  expect(others).toEqual([]);
  expect(warning?.message).toMatch(/cannot be polled until the configuration of this worker or its cloud is fixed/);
  expect(warning?.meta).toMatchObject({ cloud: CLOUD, operationId: id, code: 'PERMISSION_DENIED' });
});

describe('metrics', () => {
  const create = ClusterService.create;

  beforeAll(async () => {
    const inTheWay = env.cloud.operation({ after: 300, response: empty });
    let refusals = 0;
    env.cloud
      .on(create)
      .reply(({ name = '' }) =>
        refusals++ === 0
          ? { refuse: { code: 9, message: `conflicting operation "${inTheWay}" detected` } }
          : { after: 300, response: { id: 'c1', name, networkId: '', status: 'RUNNING', version: '' } },
      );
    await env.client.workflow.execute<typeof executeOperation>('executeOperation', {
      ...env.workflow(),
      args: [{ cloud: CLOUD, method: create.path, request: { name: 'a' }, poll }],
    });
    const failed = await wait(env.cloud.operation({ after: 0, error: { code: 8, message: 'quota' } }));
    await expect(failed.result()).rejects.toThrow();
    const cancelled = await wait(env.cloud.operation({ after: '1 h', response: empty }));
    while ((await value(METRICS.watchedOperations.name)) !== 1) await setTimeout(20);
    await cancelled.cancel();
    await expect(cancelled.result()).rejects.toThrow();
    await env.client.workflow.execute(look, { ...env.workflow(), args: [CLOUD, inTheWay] });
    await refusedReport();
  });

  /** A watched result that a payload codec refuses. */
  async function refusedReport(): Promise<void> {
    const { workflowId: taskQueue } = env.workflow();
    const codec: PayloadCodec = {
      encode: (payloads) =>
        payloads.some(({ data }) => Buffer.from(data ?? []).includes('"response"'))
          ? Promise.reject(new Error('the codec does not take this'))
          : Promise.resolve(payloads),
      decode: (payloads) => Promise.resolve(payloads),
    };
    const stop = await runWorker({
      connection: env.connection,
      taskQueue,
      plugins: [pluginOf(env.cloud)],
      workflowsPath: require.resolve('temporal-lro/workflow-definitions'),
      dataConverter: { payloadCodecs: [codec] },
    });
    const refused = env.client.workflow.execute<typeof awaitOperation>('awaitOperation', {
      ...env.workflow(),
      taskQueue,
      args: [{ cloud: CLOUD, operationId: env.cloud.operation({ response: empty }) }],
    });
    await expect(refused).rejects.toThrow();
    await stop();
  }

  test('count calls by cloud and code, starts that conflicted, and tokens', async () => {
    const cloud = { cloud: CLOUD };
    expect(await value('temporal_lro_starts', { ...cloud, code: 'OK' })).toBe(1);
    expect(await value('temporal_lro_starts', { ...cloud, code: 'FAILED_PRECONDITION' })).toBe(1);
    expect(await value('temporal_lro_start_conflicts', cloud)).toBe(1);
    expect(await value('temporal_lro_cancels', { ...cloud, code: 'OK' })).toBe(1);
    // One for each of the two workers.
    expect(await value('temporal_lro_token_exchanges', { ...cloud, result: 'ok' })).toBe(2);
    expect(await value('temporal_lro_polls', { ...cloud, code: 'PERMISSION_DENIED' })).toBe(1);
    expect(await value('temporal_lro_report_failures', cloud)).toBe(1);
    const gets = env.cloud.calls.filter(({ method }) => method.endsWith('/Get')).length;
    // One of them was no poll.
    expect(await value('temporal_lro_calls', cloud)).toBe(1);
    expect(await value('temporal_lro_polls', cloud)).toBe(gets - 1);
    expect(await value('temporal_lro_poll_latency_count', cloud)).toBe(gets - 1);
  });

  test('count waits by outcome, and the operations that are watched now', async () => {
    expect(await value('temporal_lro_waits', { outcome: 'succeeded' })).toBe(3);
    expect(await value('temporal_lro_waits', { outcome: 'OperationFailed' })).toBe(1);
    expect(await value('temporal_lro_waits', { outcome: 'OperationUnreadable' })).toBe(1);
    expect(await value('temporal_lro_waits', { outcome: 'cancelled' })).toBe(1);
    expect(await value('temporal_lro_wait_lateness_count', { cloud: CLOUD })).toBe(5);
    expect(await value('temporal_lro_watched_operations')).toBe(0);
  });

  test('have few labels, none of which is an ID or a secret, and the histogram buckets that the user sets', async () => {
    const samples = await scrape();
    expect(new Set(samples.map(({ name }) => name.replace(/_(bucket|sum|count)$/, '')))).toEqual(
      new Set(Object.values(METRICS).map(({ name }) => name)),
    );
    const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
    const ours = ['cloud', 'code', 'outcome', 'result'];
    expect(labels).toEqual(new Set([...ours, 'le', 'namespace', 'taskQueue', 'activityType', 'workflowType']));
    expect(JSON.stringify(samples)).not.toContain(MARK);
    for (const [name, buckets] of Object.entries(BUCKETS)) {
      const found = new Set(samples.flatMap((sample) => (sample.name === `${name}_bucket` ? sample.labels.le : [])));
      expect(found).toEqual(new Set([...buckets.map(String), '+Inf']));
    }
  });

  test('have no label whose value a workflow or a cloud can choose freely', async () => {
    const typed = Array.from({ length: 5 }, (_, i) => `typed-${i}`);
    const end = async (...args: [Parameters<typeof awaitOperation>[0], unknown?]): Promise<void> => {
      const ended = env.client.workflow.execute('awaitOperation', { ...env.workflow(), args });
      await expect(ended).rejects.toThrow();
    };
    const operation = { id: 'x', state: 'running' } as const;
    await Promise.all([
      ...typed.map((cloud) => end({ cloud, operationId: 'x' })),
      ...typed.map((cloud) => {
        const seen = { startedAtMs: Date.now(), polls: 1, timers: 0, operation: { cloud, ...operation } };
        return end({ cloud, operationId: 'x', timeout: '1 s' }, seen);
      }),
      end({ cloud: CLOUD, operationId: env.cloud.operation({ response: empty, faults: [{ calls: 1, code: 7 }] }) }),
    ]);
    const faults = [{ calls: 1, code: 4711 }];
    await (await wait(env.cloud.operation({ response: empty, faults }))).result();
    const samples = await scrape();
    expect(samples.map(({ labels }) => labels.code)).not.toContain('CODE_4711');
    const clouds = samples.flatMap(({ labels }) => labels.cloud ?? []);
    expect(new Set(clouds)).toEqual(new Set([CLOUD, 'unconfirmed']));
    expect(await value('temporal_lro_waits', { cloud: 'unconfirmed' })).toBe(2 * typed.length);
    expect(await value('temporal_lro_waits', { cloud: CLOUD, outcome: 'OperationServiceError' })).toBe(1);
  });

  test('include what the dashboard queries, by name and label', async () => {
    const dashboard: unknown = JSON.parse(readFileSync('docs/grafana-dashboard.json', 'utf8'));
    const asked = [...JSON.stringify(dashboard).matchAll(/"(?:expr|query)":"((?:[^"\\]|\\.)*)"/g)].map(
      ([, found = '']) => found,
    );
    const samples = await scrape();
    const metrics = new Set<string>();
    for (const query of asked.filter((text) => text.includes('temporal_lro'))) {
      const [name = ''] = /temporal_lro_\w+/.exec(query) ?? [];
      metrics.add(name.replace(/_bucket$/, ''));
      const sample = samples.find((one) => one.name === name);
      const labels = [...query.matchAll(/by \(([^)]*)\)|\{(\w+)=|, (\w+)\)$/g)].flatMap((found) =>
        (found[1] ?? found[2] ?? found[3] ?? '').split(', '),
      );
      expect([query, ...Object.keys(sample?.labels ?? {})]).toEqual(expect.arrayContaining([query, ...labels]));
    }
    expect(metrics).toEqual(new Set(Object.values(METRICS).map(({ name }) => name)));
  });
});

test('the code in the documentation compiles, and names every metric', async () => {
  const document = readFileSync('docs/observing.md', 'utf8');
  for (const { name } of Object.values(METRICS)) expect(document).toContain(`| \`${name}\``);
  await mkdir('.cache', { recursive: true });
  const directory = await mkdtemp('.cache/observing-');
  try {
    const blocks = [...document.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code = '']) => code);
    expect(blocks.length).toBeGreaterThan(2);
    for (const [n, code] of blocks.entries()) await writeFile(join(directory, `${n}.ts`), code);
    const files = blocks.map((_, n) => join(directory, `${n}.ts`));
    const options = '--noEmit --strict --skipLibCheck --target es2022 --module node16 --types node --ignoreConfig';
    await promisify(execFile)(process.execPath, [
      require.resolve('typescript/lib/tsc'),
      ...options.split(' '),
      ...files,
    ]);
  } finally {
    await rm(directory, { recursive: true });
  }
});
