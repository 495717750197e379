import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { OperationsPlugin, operationFailure, type CloudOptions } from 'temporal-lro';
import type { createDisk, createNetwork, createRedis } from '../examples/clouds/workflows';
import type { createNamespace } from '../examples/temporal-cloud-namespace/workflows';
import { startEnvironment, type TestEnvironment } from './support/environment';
import { EXAMPLES, generateExample } from './support/example-modules';
import { startInteropServer, type InteropServer } from './support/interop';
import { Outcomes } from './support/interop-outcomes';
import { interopCloud } from './support/interop-worker';

test.each(EXAMPLES)('the methods in $directory are those that generate makes', async (example) => {
  const directory = await mkdtemp(join(tmpdir(), 'temporal-lro-example-'));
  await generateExample(example, directory);
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  const names = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  expect(names.length).toBeGreaterThan(3);
  for (const name of names) {
    const committed = await readFile(join(example.directory, name.slice(directory.length)));
    // Otherwise: npm run generate:examples
    expect(committed.equals(await readFile(name))).toBe(true);
  }
  await rm(directory, { recursive: true });
});

describe('examples/temporal-cloud-namespace', () => {
  let temporal: Outcomes;
  beforeAll(async () => {
    temporal = await Outcomes.start('temporalCloud', require.resolve('../examples/temporal-cloud-namespace/workflows'));
  });
  afterAll(() => temporal.stop());

  const create = (name: string) => {
    const { client } = temporal.interop;
    return client.workflow.execute<typeof createNamespace>('createNamespace', {
      ...temporal.interop.workflow(),
      args: [{ name, regions: ['aws-us-east-1'], retentionDays: 30 }],
      retry: { maximumAttempts: 2, initialInterval: '10 ms' },
    });
  };
  const starts = (name: string) =>
    temporal
      .received('/temporal.api.cloud.cloudservice.v1.CloudService/CreateNamespace')
      .filter(({ request }) => JSON.stringify(request).includes(`"${name}"`));

  test('returns the namespace when it is active, and creates one however often it runs', async () => {
    const ready = { namespace: 'late-1-50ms.a2dd6', address: 'late-1-50ms.a2dd6.tmprl.cloud:7233' };
    expect(await create('late-1-50ms')).toEqual(ready);
    expect(await create('late-1-50ms')).toEqual(ready);
    expect(starts('late-1-50ms')).toHaveLength(1);
  });

  test('tells a rejected request from a failure, and does not retry it', async () => {
    const err: unknown = await create('rejected-1-50ms').catch((reason: unknown) => reason);
    expect(err).toBeInstanceOf(WorkflowFailedError);
    expect(err).toHaveProperty('cause', expect.any(ApplicationFailure));
    expect(err).toMatchObject({
      cause: {
        type: 'NamespaceRejected',
        nonRetryable: true,
        message: 'The namespace rejected-1-50ms is not created: rejected: namespace name is already taken',
      },
    });
    expect(starts('rejected-1-50ms')).toHaveLength(1);
    const failed: unknown = await create('fail-1-50ms').catch((reason: unknown) => reason);
    expect(operationFailure(failed)).toMatchObject({ type: 'OperationFailed', codeName: 'UNKNOWN' });
    expect(starts('fail-1-50ms')).toHaveLength(2);
  });
});

describe('examples/clouds', () => {
  const servers: InteropServer[] = [];
  let environment: TestEnvironment;
  beforeAll(async () => {
    const clouds: Record<string, CloudOptions> = {};
    for (const cloud of ['yandex', 'google', 'nebius'] as const) {
      const server = await startInteropServer(cloud);
      servers.push(server);
      clouds[cloud] = interopCloud(cloud, server);
    }
    environment = await startEnvironment({
      worker: {
        workflowsPath: require.resolve('../examples/clouds/workflows'),
        plugins: [new OperationsPlugin({ clouds })],
      },
    });
  });
  afterAll(async () => {
    await environment.stop();
    await Promise.all(servers.map((server) => server.close()));
  });

  test('the workflow of each cloud returns the resource', async () => {
    const { client, workflow } = environment;
    const parent = 'projects/redpepper-1290/locations/us-central1';
    const [disk, network, redis, lost] = await Promise.all([
      client.workflow.execute<typeof createDisk>('createDisk', { ...workflow(), args: ['b1g', 'scratch-100ms'] }),
      client.workflow.execute<typeof createNetwork>('createNetwork', {
        ...workflow(),
        args: ['project-e00x', 'ok-1-50ms'],
      }),
      client.workflow.execute<typeof createRedis>('createRedis', { ...workflow(), args: [parent, 'ok-1-50ms'] }),
      client.workflow.execute<typeof createRedis>('createRedis', { ...workflow(), args: [parent, 'lost-1-50ms'] }),
    ]);
    expect(disk).toMatchObject({ name: 'scratch-100ms', status: 'READY' });
    expect(network).toMatchObject({ metadata: { name: 'ok-1-50ms' }, status: { state: 'READY' } });
    expect(redis).toMatchObject({ name: `${parent}/instances/ok-1-50ms`, state: 'READY' });
    expect(lost).toMatchObject({ name: `${parent}/instances/lost-1-50ms`, state: 'READY' });
  });
});
