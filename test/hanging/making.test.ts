import dns from 'node:dns';
import { join } from 'node:path';
import { FakeCloud } from 'temporal-lro/testing';
import { TransportSecurity } from '../../src/transport/tls';
import { yandexApi } from '../../src/apis/yandex';
import { PROTO_DIRECTORY } from '../support/proto';
import { deafListener } from '../support/deaf-listener';
import { CERTIFICATE, tlsProxy } from '../support/tls-proxy';
import { tlsServer } from '../support/tls-server';
import { until } from '../support/until';
import { caller, errorOf, Scene, untilServed, type Unary } from './scene';

const scene = new Scene();
beforeEach(() => scene.begin());
afterEach(() => scene.end());

/** A server where the first connection hangs and later ones work. */
interface Hanging {
  call: Unary;
  to: string;
  problem?: string;
  /** The number of open connections. */
  open?: () => number;
  heal?: () => void;
}
const first = { isSilent: (nth: number) => nth === 1 };

const hanging: [phase: string, begin: () => Promise<Hanging>][] = [
  [
    'name resolution',
    () => {
      const lookup = jest.spyOn(dns.promises, 'lookup').mockImplementationOnce(() => new Promise(() => undefined));
      scene.atEnd(() => lookup.mockRestore());
      const to = scene.address.replace('127.0.0.1', 'localhost');
      const problem = `the name of ${to} was not resolved within 0.5 s`;
      return Promise.resolve({ call: caller(scene.channels(), to), to, problem });
    },
  ],
  [
    'TCP',
    async () => {
      const deaf = await deafListener(scene.address);
      scene.atEnd(() => deaf.close());
      return { call: caller(scene.channels(), deaf.address), to: deaf.address, heal: () => deaf.hear() };
    },
  ],
  [
    'the CONNECT of a proxy',
    async () => {
      const proxy = await tlsProxy(scene.address);
      scene.atEnd(() => proxy.close());
      const between = await scene.relay(proxy.url.replace('http://', ''), first);
      process.env.grpc_proxy = `http://${between.address}`;
      scene.atEnd(() => delete process.env.grpc_proxy);
      const to = 'api.cloud.yandex.net:443';
      const call = caller(scene.channels(new TransportSecurity({ rootCertificates: CERTIFICATE })), to);
      return { call, to, open: () => between.open() };
    },
  ],
  [
    'TLS',
    async () => {
      const secure = await tlsServer(scene.address);
      scene.atEnd(() => secure.close());
      const between = await scene.relay(secure.address, first);
      const to = between.address.replace('127.0.0.1', 'localhost');
      const rootCertificates = join('test/support/tls', 'ca.pem');
      const call = caller(scene.channels(new TransportSecurity({ rootCertificates })), to);
      return { call, to, open: () => between.open() };
    },
  ],
  [
    'the settings of HTTP/2',
    async () => {
      const between = await scene.relay(scene.address, first);
      const call = caller(scene.channels(), between.address);
      return { call, to: between.address, open: () => between.open() };
    },
  ],
];

test.each(hanging)(
  'a connection that hangs in %s is given up, and the next call gets another one',
  async (_, begin) => {
    const { call, to, problem = `no connection to ${to} within 1 s`, open = () => 0, heal } = await begin();
    const err = await errorOf(call());
    expect(err).toMatchObject({ code: 14, details: problem, neverSent: true });
    expect(scene.served).toEqual([]);
    // No socket is left open.
    await until(() => open() === 0);
    heal?.();
    await untilServed(call);
    expect(new Set(scene.served)).toEqual(new Set([yandexApi.get.path]));
  },
);

test('several connections in a row that hang are given up', async () => {
  const between = await scene.relay(scene.address, { isSilent: (nth) => nth <= 3 });
  await untilServed(caller(scene.channels(), between.address));
  expect([between.connections(), between.open()]).toEqual([4, 1]);
});

test('a connection that hangs after a refused one is given up, although calls fail at once', async () => {
  const between = await scene.relay(scene.address);
  const call = caller(scene.channels(), between.address);
  between.cut(true);
  expect(await errorOf(call())).toMatchObject({ code: 14, neverSent: true });
  between.silence(true);
  between.cut(false);
  const refused = between.connections();
  await until(() => between.connections() > refused);
  between.silence(false);
  await untilServed(call);
});

test('a connection that hangs is closed together with its channel, and leaves no socket open', async () => {
  const between = await scene.relay(scene.address, { isSilent: () => true });
  const channels = scene.channels();
  const err = errorOf(caller(channels, between.address)());
  await until(() => between.open() === 1);
  channels.close();
  expect(await err).toMatchObject({ code: 14, neverSent: true });
  await until(() => between.open() === 0);
});

test('a connection that hangs does not block the turns of calls to other addresses', async () => {
  const cloud = await FakeCloud.start();
  scene.atEnd(() => cloud.close());
  const between = await scene.relay(cloud.address, { isSilent: () => true });
  const client = scene.client({
    endpoint: cloud.address,
    services: { fakecloud: between.address },
    descriptors: [join(PROTO_DIRECTORY, 'fakecloud.binpb')],
    maxConcurrentRequests: 1,
  });
  let hasEnded = false;
  const abandoned = new AbortController();
  const { signal } = abandoned;
  const start = client.start('fakecloud.v1.NetworkService/Create', { name: 'n' }, { signal }).catch((err: unknown) => {
    hasEnded = true;
    return err;
  });
  await until(() => between.open() === 1);
  const operationId = cloud.operation({ after: '1 h', response: { '@type': 'x/google.protobuf.Empty' } });
  expect(await client.get(operationId)).toMatchObject({ state: 'running' });
  expect(hasEnded).toBe(false);
  abandoned.abort();
  expect(await start).toMatchObject({ codeName: 'CANCELLED' });
});
