import { operationFailure } from 'temporal-lro';
import { awaitOperation, executeOperation } from 'temporal-lro/workflow-definitions';
import { CLOUD, RFC_3339, startInteropWorker, type InteropWorker } from './support/interop-worker';
import { until } from './support/until';

const CREATE = '/yandex.cloud.k8s.v1.ClusterService/Create';
const DELETE = '/yandex.cloud.k8s.v1.ClusterService/Delete';

let interop: InteropWorker;
beforeAll(async () => (interop = await startInteropWorker(require.resolve('temporal-lro/workflow-definitions'))));
afterAll(() => interop.stop());

const wait = (operationId: string) =>
  interop.client.workflow.execute(awaitOperation, {
    ...interop.workflow(),
    args: [{ cloud: CLOUD, operationId, poll: { initialInterval: '100 ms' } }],
  });

// Proves docs/contract.md: "The response of a standard Create or Update is the resource"
test('a CreateCluster operation ends with the real Cluster as JSON', async () => {
  const { id, metadata } = await interop.call(CREATE, {
    folderId: 'b1gvmob95yysaplct532',
    name: 'prod-300ms',
    labels: { team: 'платформа', constructor: 'a label like any other' },
    serviceAccountId: 'ajeo3rq1u5gl41vqdj6e',
    gatewayIpv4Address: '10.128.0.1',
    releaseChannel: 'RAPID',
    masterSpec: {
      version: '1.32',
      regionalMasterSpec: {
        regionId: 'ru-central1',
        locations: [{ zoneId: 'ru-central1-a' }, { zoneId: 'ru-central1-d' }],
      },
    },
  });
  const cluster = await wait(id);
  expect(cluster).toMatchObject({
    '@type': 'type.googleapis.com/yandex.cloud.k8s.v1.Cluster',
    folderId: 'b1gvmob95yysaplct532',
    name: 'prod-300ms',
    labels: { team: 'платформа', constructor: 'a label like any other' },
    // Enums by name.
    status: 'RUNNING',
    health: 'HEALTHY',
    releaseChannel: 'RAPID',
    networkPolicy: { provider: 'CALICO' },
    cilium: { routingMode: 'TUNNEL' },
    gatewayIpv4Address: '10.128.0.1',
    master: {
      regionalMaster: { regionId: 'ru-central1', internalV4Address: '10.128.0.10', externalV4Address: '' },
      version: '1.32',
      masterAuth: { clusterCaCertificate: '-----BEGIN CERTIFICATE-----\nMIIC5zCCAc8=\n-----END CERTIFICATE-----\n' },
      versionInfo: { currentVersion: '1.31', newRevisionAvailable: true, versionDeprecated: false },
      maintenancePolicy: {
        maintenanceWindow: {
          weeklyMaintenanceWindow: {
            daysOfWeek: [
              {
                days: ['MONDAY', 'SUNDAY'],
                startTime: { hours: 22, minutes: 30, seconds: 0, nanos: 0 },
                duration: '10800s',
              },
            ],
          },
        },
      },
      locations: [{ zoneId: 'ru-central1-a' }, { zoneId: 'ru-central1-d' }],
      // A JavaScript number cannot hold every int64.
      etcdClusterSize: '3',
      resources: { cores: '2', coreFraction: '100', memory: '8589934592' },
    },
    ipAllocationPolicy: { clusterIpv4CidrBlock: '10.112.0.0/16', nodeIpv4CidrMaskSize: '24' },
    scheduledMaintenance: { delayedUntil: '2026-01-01T00:00:00Z', description: 'Upgrade to 1.32' },
  });
  expect(cluster.createdAt).toMatch(RFC_3339);
  // Fields that proto3 does not send because they are empty are present in the JSON.
  expect(cluster).toMatchObject({ description: '', networkId: '', master: { securityGroupIds: [] } });
  // Fields with presence that were not set are absent.
  expect(cluster).not.toHaveProperty('master.zonalMaster');
  expect(metadata).toMatchObject({ clusterId: cluster.id });
});

// Proves docs/contract.md: "Methods without data to return, such as Delete, respond with `google.protobuf.Empty`"
test('a DeleteCluster operation ends with Empty', async () => {
  const { id } = await interop.call(DELETE, { clusterId: 'catgaj3vf3g9oub2mnq4-300ms' });
  expect(await wait(id)).toEqual({ '@type': 'type.googleapis.com/google.protobuf.Empty' });
});

// Proves docs/contract.md: "The error is a `google.rpc.Status` that describes a failure or a cancellation"
test('a failure arrives with its BadRequest and its QuotaFailure decoded', async () => {
  const { id } = await interop.call(CREATE, { folderId: 'b1gvmob95yysaplct532', name: 'fail-300ms' });
  const message = 'Quota limit managed-kubernetes.clusters.count exceeded';
  const details = [
    {
      '@type': 'type.googleapis.com/google.rpc.BadRequest',
      fieldViolations: [{ field: 'folder_id', description: 'the folder has no room left' }],
    },
    {
      '@type': 'type.googleapis.com/yandex.cloud.quota.QuotaFailure',
      violations: [{ metric: { name: 'managed-kubernetes.clusters.count', limit: '8', usage: 8 }, required: '9' }],
    },
    {
      '@type': 'type.googleapis.com/google.rpc.RequestInfo',
      requestId: '5c1f9a0e-7c0b-4a1b-9f0e-2d6f5d3a1b7c',
      servingData: '',
    },
  ];
  const failure = operationFailure(await wait(id).catch((err: unknown) => err));
  expect(failure).toMatchObject({
    type: 'OperationFailed',
    cloud: CLOUD,
    operationId: id,
    code: 8,
    codeName: 'RESOURCE_EXHAUSTED',
    operation: { state: 'failed', error: { message, details } },
  });
  expect(failure?.message).toMatch(
    new RegExp(`^yandex operation ${id} \\(Create cluster cat\\w+\\) failed: RESOURCE_EXHAUSTED: ${message}$`),
  );
  expect(failure?.details).toEqual(details);
});

test("a CreateCluster that a workflow starts reaches Yandex's code exactly once, with every field", async () => {
  const idempotencyKey = '2f1a8a0e-0c33-4d5b-9d1c-7b4b2f0e9a51';
  const request = {
    folderId: 'b1gvmob95yysaplct532',
    name: 'started-300ms',
    labels: { team: 'платформа', constructor: 'a label like any other' },
    networkId: 'enp0asmd9pr9cav7ng3s',
    serviceAccountId: 'ajeo3rq1u5gl41vqdj6e',
    nodeServiceAccountId: 'ajeo3rq1u5gl41vqdj6e',
    releaseChannel: 'RAPID',
    masterSpec: {
      version: '1.32',
      etcdClusterSize: '3',
      maintenancePolicy: {
        autoUpgrade: true,
        maintenanceWindow: { dailyMaintenanceWindow: { startTime: { hours: 22, minutes: 30 }, duration: '10800s' } },
      },
      regionalMasterSpec: { regionId: 'ru-central1', locations: [{ zoneId: 'ru-central1-a' }] },
    },
  };
  const start = () =>
    interop.client.workflow.execute(executeOperation, {
      ...interop.workflow(),
      args: [{ cloud: CLOUD, method: CREATE, request, idempotencyKey, poll: { initialInterval: '100 ms' } }],
    });
  const clusters = [await start(), await start()];
  expect(clusters[0]).toMatchObject({ name: 'started-300ms', releaseChannel: 'RAPID' });
  expect(clusters[1]).toEqual(clusters[0]);
  const arrived = () => interop.requests().filter((entry) => JSON.stringify(entry).includes(idempotencyKey));
  await until(() => arrived().length === 2);
  expect(arrived()).toMatchObject([
    { method: expect.stringContaining('ClusterService/Create') as unknown, request, idempotencyKey },
    { request, idempotencyKey },
  ]);
});
