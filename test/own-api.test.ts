import { operationFailure, OperationsClient, type OperationsApi } from 'temporal-lro';
import { join } from 'node:path';
import { yandexApi } from '../src/apis/yandex';
import { UnaryServer, type IncomingCall } from '../src/testing/server';
import { PROTO_DIRECTORY } from './support/proto';

// An API with the calls of its own, and without Cancel.
const { cancel: _, ...rest } = yandexApi;
const acmeApi: OperationsApi = {
  ...rest,
  name: 'acme',
  get: {
    path: '/acme.Operations/Look',
    encode: (id) => Buffer.from(`look at ${id}`),
    decode: ({ body, header }) => ({
      id: body.toString(),
      done: false,
      pollAfterMs: Number(header('next-in-ms')),
    }),
  },
  decodeStarted: ({ body }, { method: { name } }) => ({ id: `${name} ${body.toString()}`, done: false }),
  mark: (key) => ({ headers: { 'acme-key': key } }),
};

const server = new UnaryServer();
const calls: IncomingCall[] = [];
let client: OperationsClient;

beforeAll(async () => {
  const endpoint = await server.listen(0);
  const descriptors = [join(PROTO_DIRECTORY, 'fakecloud.binpb')];
  client = OperationsClient.connect({ api: acmeApi, endpoint, plaintext: true, descriptors });
  for (const path of [acmeApi.get.path, '/fakecloud.v1.NetworkService/Create']) {
    server.answer(path, (call) => {
      calls.push(call);
      return Promise.resolve({ body: Buffer.from('op1') });
    });
  }
});
afterAll(async () => {
  client.close();
  await server.close();
});
beforeEach(() => void calls.splice(0));

test('a poll calls the method of the API, and the API reads the reply', async () => {
  expect(await client.get('op1')).toEqual({ cloud: 'default', id: 'op1', state: 'running' });
  expect(calls.map(({ body }) => body.toString())).toEqual(['look at op1']);
});

test('a start is marked as the API marks it, and the API finds the operation in the reply', async () => {
  const request = { name: 'net' };
  const started = await client.start('fakecloud.v1.NetworkService/Create', request, { idempotencyKey: 'key1' });
  expect(started.id).toBe('Create op1');
  expect(calls.map((call) => [call.header('acme-key'), call.header('idempotency-key')])).toEqual([['key1', undefined]]);
});

test('an API without Cancel answers a cancellation itself, as unimplemented', async () => {
  const cancelled = client.cancel('op1');
  await expect(cancelled).rejects.toMatchObject({
    codeName: 'UNIMPLEMENTED',
    rawMessage: 'the API "acme" cannot cancel operations',
  });
  expect(calls).toEqual([]);
});

test('an unknown API is a configuration error that names the field', () => {
  const connect = (): unknown => {
    try {
      // A program in JavaScript can give anything.
      return OperationsClient.connect(JSON.parse('{"api": "acme", "endpoint": "127.0.0.1:1"}') as object);
    } catch (err) {
      return operationFailure(err);
    }
  };
  expect(connect()).toMatchObject({
    type: 'OperationConfigurationError',
    message: expect.stringContaining('api is "acme"') as string,
  });
});
