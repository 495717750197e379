import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { OperationsClient } from 'temporal-lro';
import { FakeCloud, type OperationScript } from 'temporal-lro/testing';
import type { AnyJson, JsonObject } from 'temporal-lro/workflow';
import type { RawOperation } from '../../src/apis/api';
import { yandexApi } from '../../src/apis/yandex';
import { servedGoogle } from '../../src/testing/dialects/google';
import { servedNebius } from '../../src/testing/dialects/nebius';
import { servedTemporalCloud } from '../../src/testing/dialects/temporal-cloud';
import { servedYandex } from '../../src/testing/dialects/yandex';
import { descriptorSet, messageOption } from '../dialects/descriptors';
import { failureOf } from '../dialects/scene';

/** How a cloud describes disks: with methods Create, Get and Delete whose requests and replies differ by API. */
interface Dialect {
  api: 'google' | 'nebius' | 'temporalCloud';
  descriptors: Uint8Array[];
  service: string;
  /** The names of the methods. */
  methods: { create: string; get: string; remove: string };
  create: JsonObject;
  disk: AnyJson;
  /** The request of Get and Delete. */
  named: JsonObject;
  id: RegExp;
  cancels: boolean;
}

const GOOGLE_ID = 'projects/p/locations/l/disks/d';
const info = messageOption(1049, { 1: 'Disk', 2: 'Disk' });
const GOOGLE: Dialect = {
  api: 'google',
  service: 'acme.v1.Disks',
  methods: { create: 'CreateDisk', get: 'GetDisk', remove: 'DeleteDisk' },
  create: { parent: 'projects/p/locations/l', diskId: 'd' },
  disk: { '@type': 'type.googleapis.com/acme.v1.Disk', name: GOOGLE_ID },
  named: { name: GOOGLE_ID },
  id: /^projects\/p\/locations\/l\/operations\/fc1[a-v0-9]{17}$/,
  cancels: true,
  descriptors: [
    descriptorSet(
      { package: 'google.longrunning', messages: { Operation: [] } },
      {
        package: 'acme.v1',
        messages: {
          Disk: [{ name: 'name' }],
          CreateDiskRequest: [{ name: 'parent' }, { name: 'disk_id' }, { name: 'request_id' }],
          DiskRequest: [{ name: 'name' }],
        },
        services: {
          Disks: {
            methods: [
              {
                name: 'CreateDisk',
                input: 'acme.v1.CreateDiskRequest',
                output: 'google.longrunning.Operation',
                options: [info],
              },
              { name: 'DeleteDisk', input: 'acme.v1.DiskRequest', output: 'google.longrunning.Operation' },
              { name: 'GetDisk', input: 'acme.v1.DiskRequest', output: 'acme.v1.Disk' },
            ],
          },
        },
      },
    ),
  ],
};

const NEBIUS: Dialect = {
  api: 'nebius',
  service: 'nebius.compute.v1.DiskService',
  methods: { create: 'Create', get: 'Get', remove: 'Delete' },
  create: { name: 'd' },
  disk: { '@type': 'type.googleapis.com/nebius.compute.v1.Disk', id: 'disk-1' },
  named: { id: 'disk-1' },
  id: /^fc1[a-v0-9]{17}$/,
  cancels: false,
  descriptors: [
    descriptorSet(
      { package: 'nebius.common.v1', messages: { Operation: [] } },
      {
        package: 'nebius.compute.v1',
        messages: { Disk: [{ name: 'id' }], CreateDiskRequest: [{ name: 'name' }], IdRequest: [{ name: 'id' }] },
        services: {
          DiskService: {
            methods: [
              {
                name: 'Create',
                input: 'nebius.compute.v1.CreateDiskRequest',
                output: 'nebius.common.v1.Operation',
              },
              { name: 'Delete', input: 'nebius.compute.v1.IdRequest', output: 'nebius.common.v1.Operation' },
              { name: 'Get', input: 'nebius.compute.v1.IdRequest', output: 'nebius.compute.v1.Disk' },
            ],
          },
        },
      },
    ),
  ],
};

const CLOUD_PACKAGE = 'temporal.api.cloud.cloudservice.v1';
const ASYNC_OPERATION = 'temporal.api.cloud.operation.v1.AsyncOperation';
const TEMPORAL_CLOUD: Dialect = {
  api: 'temporalCloud',
  service: `${CLOUD_PACKAGE}.CloudService`,
  methods: { create: 'CreateDisk', get: 'GetDisk', remove: 'DeleteDisk' },
  create: { name: 'd' },
  disk: { '@type': `type.googleapis.com/${CLOUD_PACKAGE}.Disk`, disk: 'd.acct' },
  named: { disk: 'd.acct' },
  id: /^[0-9a-f-]{36}$/,
  cancels: false,
  descriptors: [
    descriptorSet(
      { package: 'temporal.api.cloud.operation.v1', messages: { AsyncOperation: [] } },
      {
        package: CLOUD_PACKAGE,
        messages: {
          Disk: [{ name: 'disk' }],
          CreateDiskRequest: [{ name: 'name' }, { name: 'async_operation_id' }],
          CreateDiskResponse: [{ name: 'disk' }, { name: 'async_operation', type: ASYNC_OPERATION }],
          GetDiskRequest: [{ name: 'disk' }],
          GetDiskResponse: [{ name: 'disk', type: `${CLOUD_PACKAGE}.Disk` }],
          DeleteDiskRequest: [{ name: 'disk' }, { name: 'async_operation_id' }],
          DeleteDiskResponse: [{ name: 'async_operation', type: ASYNC_OPERATION }],
        },
        services: {
          CloudService: {
            methods: ['CreateDisk', 'GetDisk', 'DeleteDisk'].map((name) => ({
              name,
              input: `${CLOUD_PACKAGE}.${name}Request`,
              output: `${CLOUD_PACKAGE}.${name}Response`,
            })),
          },
        },
      },
    ),
  ],
};

/** What the messages of an API have no field for. */
const LOST: Record<string, { fields?: object; error?: object }> = {
  google: {
    fields: {
      description: undefined,
      createdAt: undefined,
      createdBy: undefined,
      modifiedAt: undefined,
      pollAfterMs: undefined,
    },
  },
  nebius: { fields: { pollAfterMs: undefined } },
  temporalCloud: { fields: { createdBy: undefined }, error: { details: [] } },
};

describe.each([GOOGLE, NEBIUS, TEMPORAL_CLOUD])('a FakeCloud of the API $api', (dialect) => {
  const { api, descriptors, service, methods } = dialect;
  const path = (method: keyof Dialect['methods']): string => `/${service}/${methods[method]}`;
  let now: number;
  let cloud: FakeCloud;
  let client: OperationsClient;
  beforeEach(async () => {
    now = Date.parse('2026-03-01T12:00:00Z');
    cloud = await FakeCloud.start({ api, descriptors, now: () => now });
    client = OperationsClient.connect({ api, descriptors, endpoint: cloud.address, plaintext: true });
  });
  afterEach(() => cloud.close().then(() => client.close()));

  const script = (): OperationScript => ({ after: 1000, response: dialect.disk });
  const KEY = '5b9e5b0a-90b4-4a3c-8d4f-5d6e3c1a8f11';
  const create = () => client.start(path('create'), { ...dialect.create }, { idempotencyKey: KEY });

  test('starts an operation, which ends with the resource that the script created', async () => {
    cloud.on(path('create')).reply(script);
    const started = await create();
    expect(started).toMatchObject({ id: expect.stringMatching(dialect.id) as unknown, state: 'running' });
    now += 1000;
    expect(await create()).toMatchObject({ id: started.id, state: 'succeeded', response: dialect.disk });
  });

  test('returns the same operation for a start that is repeated with the same key', async () => {
    cloud.on(path('create')).reply(script);
    const { id } = await create();
    now += 1000;
    expect((await create()).id).toBe(id);
    const other = '7d8f0c9a-1b2c-4d3e-8f4a-5b6c7d8e9f0a';
    const another = await client.start(path('create'), { ...dialect.create }, { idempotencyKey: other });
    expect(another.id).not.toBe(id);
  });

  test('returns the resource by Get until it is deleted', async () => {
    cloud.on(path('create')).reply(script);
    cloud.on(path('remove')).reply(() => ({ response: { '@type': 'google.protobuf.Empty' } }));
    const read = () => client.call(path('get'), { ...dialect.named });
    await create();
    expect(await failureOf(read())).toMatchObject({ codeName: 'NOT_FOUND' });
    now += 1000;
    expect(JSON.stringify(await read())).toContain(JSON.stringify(dialect.named));
    await client.start(path('remove'), { ...dialect.named });
    expect(await failureOf(read())).toMatchObject({ codeName: 'NOT_FOUND' });
  });

  test('ends an operation with an error', async () => {
    const id = cloud.operation({ after: 1000, error: { code: 9, message: 'a disk is attached' } });
    expect(await client.get(id)).toMatchObject({ id, state: 'running' });
    now += 1000;
    expect(await client.get(id)).toMatchObject({
      state: 'failed',
      error: { code: 9, message: expect.stringContaining('a disk is attached') as unknown },
    });
  });

  test(`${dialect.cancels ? 'cancels' : 'cannot cancel'} an operation`, async () => {
    const id = cloud.operation({ after: '1 h', response: { '@type': 'google.protobuf.Empty' } });
    const cancelled = await failureOf(client.cancel(id));
    if (!dialect.cancels) return expect(cancelled).toMatchObject({ codeName: 'UNIMPLEMENTED' });
    expect(await client.get(id)).toMatchObject({ state: 'failed', error: { codeName: 'CANCELLED' } });
  });

  test('does not know an operation that it has not started', async () => {
    expect(await failureOf(client.get('fc1a'))).toMatchObject({ codeName: 'NOT_FOUND' });
  });
});

describe('Nebius', () => {
  const path = `/${NEBIUS.service}/Create`;
  test.each([true, undefined] as const)(
    'a start may return a finished operation, without an ID: %s',
    async (withoutId) => {
      const { api, descriptors } = NEBIUS;
      await using cloud = await FakeCloud.start({ api, descriptors });
      const response = { '@type': 'nebius.compute.v1.Disk', id: 'disk-1' };
      cloud.on(path).reply(() => ({ response, ...(withoutId && { withoutId }) }));
      const client = OperationsClient.connect({ api, descriptors, endpoint: cloud.address, plaintext: true });
      const started = await client.start(path, { name: 'd' });
      client.close();
      expect(started).toMatchObject({ state: 'succeeded', response: { id: 'disk-1' } });
      expect(started.id === '').toBe(withoutId === true);
    },
  );
});

test.each(
  [servedYandex, servedGoogle, servedNebius, servedTemporalCloud].map((served) => [served.api.name, served] as const),
)('what a FakeCloud of the API %s encodes is what its clients decode', (name, { api, encode, encodeCancelled }) => {
  const time = { seconds: '1780000000', nanos: 5_000_000 };
  const metadata = { typeUrl: 'x/a.B', value: Buffer.from('m') };
  const status = { code: 9, message: 'no', details: [{ typeUrl: 'x/a.C', value: Buffer.from('d') }] };
  const running = { id: 'an/id', description: 'd', createdAt: time, createdBy: 'who', done: false, metadata };
  const ends = [{}, { done: true, modifiedAt: time, error: status }, { done: true, modifiedAt: time }];
  for (const end of ends) {
    const operation: RawOperation = { ...running, ...end, ...(name === 'nebius' && { resourceId: 'r' }) };
    // Google's Cancel replies with Empty.
    if (name === 'google') expect(encodeCancelled?.(operation).body).toHaveLength(0);
    const { body, headers } = encode({ ...operation, pollAfterMs: 7000 });
    const decoded = api.get.decode({ body, header: (header) => headers?.[header] });
    const { [name]: lost = {} } = LOST;
    const message = name === 'temporalCloud' ? 'rejected: no' : 'no';
    const error = operation.error && { error: { ...status, message, ...lost.error } };
    const expected = { ...operation, ...error, pollAfterMs: 7000, ...lost.fields };
    expect(decoded).toMatchObject(
      Object.fromEntries(Object.entries(expected).filter(([, value]) => value !== undefined)),
    );
  }
});

test('a FakeCloud can speak an API of your own', async () => {
  const path = '/acme.v1.Jobs/Find';
  const text = (number: number, value: string) =>
    new BinaryWriter().tag(number, WireType.LengthDelimited).string(value);
  const api = {
    ...yandexApi,
    name: 'acme',
    get: { ...yandexApi.get, path, encode: (id: string) => text(9, id).finish() },
  };
  const readId = (request: Buffer): string => request.subarray(2).toString();
  await using cloud = await FakeCloud.start({ api: { ...servedYandex, api, readId } });
  const id = cloud.operation({ error: { code: 13, message: 'broke' } });
  const client = OperationsClient.connect({ api, endpoint: cloud.address, plaintext: true });
  expect(await client.get(id)).toMatchObject({ id, error: { message: 'broke' } });
  client.close();
  expect(cloud.calls).toMatchObject([{ method: path, operationId: id }]);
});

test('a FakeCloud does not start with an unknown API', async () => {
  const options: object = { api: 'azure' };
  await expect(FakeCloud.start(options)).rejects.toThrow(
    /^api is "azure": give one of yandex, google, nebius, temporalCloud, or a ServedApi of your own$/,
  );
});
