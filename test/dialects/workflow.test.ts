import { join } from 'node:path';
import { OperationsPlugin, type CloudOptions } from 'temporal-lro';
import type { awaitOperation, executeOperation } from '../../workflows/definitions';
import { wireFields } from '../../src/descriptors/option-values';
import { startEnvironment, type TestEnvironment } from '../support/environment';
import { googleDescriptors, nebiusDescriptors, temporalCloudDescriptors } from './clouds';
import { encoded, failureOf, Scene } from './scene';
import type { startThenCancel } from './workflows';

const GOOGLE = 'google.longrunning.Operations';
const NEBIUS = 'nebius.common.v1.OperationService';
const CLOUD_SERVICE = 'temporal.api.cloud.cloudservice.v1.CloudService';
const poll = { initialInterval: '50 ms', maximumInterval: '50 ms' } as const;
const NOT_FOUND = 5;
const UNAVAILABLE = 14;

let env: TestEnvironment;
let google: Scene;
let nebius: Scene;
let temporalCloud: Scene;

beforeAll(async () => {
  [google, nebius, temporalCloud] = await Promise.all([Scene.start(), Scene.start(), Scene.start()]);
  const common = { plaintext: true };
  const clouds: Record<string, CloudOptions> = {
    google: { ...common, api: 'google', services: { 'acme.v1': google.address }, descriptors: googleDescriptors },
    nebius: {
      ...common,
      api: 'nebius',
      services: { 'nebius.compute.v1': nebius.address },
      descriptors: nebiusDescriptors,
    },
    temporalCloud: {
      ...common,
      api: 'temporalCloud',
      endpoint: temporalCloud.address,
      descriptors: temporalCloudDescriptors,
    },
  };
  const plugins = [new OperationsPlugin({ clouds })];
  env = await startEnvironment({ worker: { plugins, workflowsPath: join(__dirname, 'workflows.js') } });
});
afterAll(async () => {
  await env.stop();
  await Promise.all([google, nebius, temporalCloud].map((scene) => scene.close()));
});

const execute = (input: Parameters<typeof executeOperation>[0]): Promise<unknown> =>
  env.client.workflow.execute<typeof executeOperation>('executeOperation', {
    ...env.workflow(),
    args: [{ poll, ...input }],
  });
const paths = (scene: Scene): string[] => scene.calls.map(({ path }) => path.slice(path.lastIndexOf('/') + 1));

test("execute returns the resource of Nebius's operation, polled at the host of its service, as soon as it is there", async () => {
  const resourceId = 'disk1';
  nebius.on('/nebius.compute.v1.DiskService/Create', encoded(NEBIUS, 'Get', { id: 'op', resourceId }));
  nebius.on(`/${NEBIUS}/Get`, encoded(NEBIUS, 'Get', { id: 'op', resourceId, status: {} }));
  nebius.on('/nebius.compute.v1.DiskService/Get', NOT_FOUND, Buffer.from('\x0a\x05disk1'));
  const disk = await execute({
    cloud: 'nebius',
    method: '/nebius.compute.v1.DiskService/Create',
    request: { name: 'd' },
  });
  expect(disk).toEqual({ '@type': 'type.googleapis.com/nebius.compute.v1.Disk', id: 'disk1' });
  expect(paths(nebius).slice(0, 5)).toEqual(['Create', 'Get', 'Get', 'Get', 'Get']);
});

test('execute returns the resource that the reply to a start in Temporal Cloud names beside its operation', async () => {
  const operation = { id: 'op', state: 'STATE_IN_PROGRESS' };
  const inner = encoded(CLOUD_SERVICE, 'GetAsyncOperation', { asyncOperation: operation }).subarray(1);
  temporalCloud.on(`/${CLOUD_SERVICE}/CreateNamespace`, Buffer.concat([Buffer.from('\x0a\x04ns.a\x12'), inner]));
  const done = { asyncOperation: { id: 'op', state: 'STATE_FULFILLED' } };
  const running = encoded(CLOUD_SERVICE, 'GetAsyncOperation', { asyncOperation: operation });
  temporalCloud.on(`/${CLOUD_SERVICE}/GetAsyncOperation`, encoded(CLOUD_SERVICE, 'GetAsyncOperation', done), running);
  temporalCloud.on(`/${CLOUD_SERVICE}/GetNamespace`, Buffer.from('\x0a\x06\x0a\x04ns.a'));
  const method = `/${CLOUD_SERVICE}/CreateNamespace`;
  expect(await execute({ cloud: 'temporalCloud', method, request: { name: 'ns' } })).toEqual({
    '@type': 'type.googleapis.com/temporal.api.cloud.cloudservice.v1.Namespace',
    namespace: 'ns.a',
  });
  expect(paths(temporalCloud)).toEqual(['CreateNamespace', 'GetAsyncOperation', 'GetNamespace']);
  temporalCloud.calls.splice(0);
});

test('a workflow cannot cancel an operation of Temporal Cloud: the outcome says so, and no Cancel is sent', async () => {
  const outcome = await env.client.workflow.execute<typeof startThenCancel>('startThenCancel', {
    ...env.workflow(),
    args: ['temporalCloud', `/${CLOUD_SERVICE}/CreateNamespace`, { name: 'ns' }],
  });
  expect(outcome).toBe('unsupported');
  expect(new Set(paths(temporalCloud))).toEqual(new Set(['CreateNamespace', 'GetAsyncOperation']));
});

describe('after a lost reply', () => {
  const ID = 'projects/p/operations/o';
  const reply = encoded(GOOGLE, 'GetOperation', { name: ID, done: true, response: { type_url: 'x/acme.v1.Disk' } });

  test('a start that Google can recognise is repeated with the same request_id', async () => {
    google.on('/acme.v1.Disks/CreateDisk', UNAVAILABLE, reply);
    const request = { parent: 'projects/p' };
    await execute({ cloud: 'google', method: 'acme.v1.Disks/CreateDisk', request });
    const ids = google.calls.splice(0).map(({ body }) => wireFields(body).find(({ number }) => number === 2)?.text);
    expect(ids).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), ids[0]]);
  });

  test('a start that it cannot recognise is not repeated, and the failure says what to look for', async () => {
    google.on('/acme.v1.Disks/GrowDisk', UNAVAILABLE, reply);
    const failure = await failureOf(
      execute({ cloud: 'google', method: 'acme.v1.Disks/GrowDisk', request: { name: 'projects/p/disks/d' } }),
    );
    expect(paths(google)).toEqual(['GrowDisk']);
    expect(failure).toMatchObject({ type: 'OperationServiceError', codeName: 'UNAVAILABLE' });
    const message = expect.stringMatching(
      /may have started.*not started again.*name "projects\/p\/disks\/d"/s,
    ) as string;
    expect(failure).toHaveProperty('message', message);
  });
});

test('awaitOperation finds an operation of Google at the host of the service that it names', async () => {
  const ID = 'projects/p/operations/other';
  google.on(`/${GOOGLE}/GetOperation`, encoded(GOOGLE, 'GetOperation', { name: ID, done: true, response: {} }));
  const wait = (input: Partial<Parameters<typeof awaitOperation>[0]>): Promise<unknown> =>
    env.client.workflow.execute<typeof awaitOperation>('awaitOperation', {
      ...env.workflow(),
      args: [{ cloud: 'google', operationId: ID, ...input }],
    });
  expect(await wait({ service: 'acme.v1' })).toMatchObject({ '@type': '' });
  expect(await failureOf(wait({ service: 'acme.v9' }))).toMatchObject({ type: 'OperationConfigurationError' });
  expect(await failureOf(wait({ service: 'https://evil.example' }))).toMatchObject({
    type: 'OperationConfigurationError',
    message: expect.stringContaining('service is "https://evil.example"') as string,
  });
});
