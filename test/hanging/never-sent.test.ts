import { createServer as createHttp2Server } from 'node:http2';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { TransportSecurity } from '../../src/transport/tls';
import { CallFailure, UnaryServer } from '../../src/testing/server';
import { freeAddress, listen } from '../support/listen';
import { tlsServer } from '../support/tls-server';
import { until } from '../support/until';
import { caller, errorOf, Scene, SLOW, type Unary } from './scene';

const scene = new Scene();
beforeEach(() => scene.begin());
afterEach(() => scene.end());

const rootCertificates = (name: string): TransportSecurity =>
  new TransportSecurity({ rootCertificates: join('test/support/tls', name) });

/** A proxy that refuses every CONNECT. */
async function refusingProxy(): Promise<void> {
  const server = createServer();
  server.on('connect', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
  process.env.grpc_proxy = `http://${await listen(server)}`;
  scene.atEnd(() => {
    delete process.env.grpc_proxy;
    server.close();
  });
}

const unsent: [why: string, fail: () => Promise<unknown>, code: number, details: RegExp][] = [
  [
    'the connection was refused',
    async () => caller(scene.channels(), await freeAddress())(),
    14,
    /No connection established.*ECONNREFUSED/,
  ],
  [
    'the name is known to nobody',
    () => Promise.resolve(caller(scene.channels(rootCertificates('ca.pem')), 'nobody.invalid:443')()),
    14,
    /Name resolution failed|no connection to nobody\.invalid:443 within 1 s/,
  ],
  [
    'the certificate is not trusted',
    async () => {
      const secure = await tlsServer(scene.address);
      scene.atEnd(() => secure.close());
      return caller(
        scene.channels(rootCertificates('other-ca.pem')),
        secure.address.replace('127.0.0.1', 'localhost'),
      )();
    },
    14,
    /certificate/,
  ],
  [
    'a proxy refused to connect',
    async () => {
      await refusingProxy();
      return caller(scene.channels(rootCertificates('ca.pem')), 'api.cloud.yandex.net:443')();
    },
    14,
    /No connection established/,
  ],
  [
    'its deadline passed while it was being connected',
    async () => {
      const between = await scene.relay(scene.address, { isSilent: () => true });
      return caller(scene.channels(), between.address)(200);
    },
    4,
    /^no connection to 127\.0\.0\.1:\d+ within 0\.2 s \(/,
  ],
  [
    'its caller abandoned it while it was being connected',
    async () => {
      const between = await scene.relay(scene.address, { isSilent: () => true });
      const abandoned = new AbortController();
      const call = caller(scene.channels(), between.address)(undefined, undefined, abandoned.signal);
      await until(() => between.open() === 1);
      abandoned.abort();
      return call;
    },
    1,
    /Cancelled/,
  ],
  [
    'a header cannot be sent',
    () => {
      const headers = { 'idempotency-key': 'ключ' };
      const call = { path: SLOW, body: Buffer.alloc(0), headers, timeoutMs: 1_000 };
      return Promise.resolve(scene.channels().to(scene.address).unary(call));
    },
    3,
    /idempotency-key is not ASCII/,
  ],
];

test.each(unsent)('the error of a call says that nothing was sent, when %s', async (_, fail, code, details) => {
  expect(await errorOf(fail())).toMatchObject({
    code,
    details: expect.stringMatching(details) as unknown,
    neverSent: true,
  });
  expect(scene.served).toEqual([]);
});

const sent: [why: string, fail: () => Promise<unknown>, code: number][] = [
  [
    'the server answered as grpc-js does where there is no connection',
    async () => {
      const gateway = new UnaryServer();
      gateway.answer(SLOW, () => {
        scene.served.push(SLOW);
        return Promise.reject(new CallFailure(14, 'No connection established. Last error: connect ECONNREFUSED'));
      });
      const to = await gateway.listen(0);
      scene.atEnd(() => gateway.close());
      return slow(to)();
    },
    14,
  ],
  ['the server has not answered in time', () => slow(scene.address)(500), 4],
  [
    'its connection broke',
    async () => {
      const between = await scene.relay(scene.address);
      const call = slow(between.address)();
      void call.catch(() => undefined);
      await until(() => scene.served.length > 0);
      between.cut(true);
      return call;
    },
    14,
  ],
  [
    'its connection went silent',
    async () => {
      const between = await scene.relay(scene.address);
      const call = slow(between.address)();
      void call.catch(() => undefined);
      await until(() => scene.served.length > 0);
      between.stallOpen();
      return call;
    },
    14,
  ],
  [
    'the server refused the stream, for all that is known',
    async () => {
      const refusing = createHttp2Server();
      refusing.on('stream', (stream) => {
        scene.served.push(SLOW);
        stream.on('error', () => undefined).close(7);
      });
      refusing.on('session', (session) => scene.atEnd(() => session.destroy()));
      const to = await listen(refusing);
      scene.atEnd(() => refusing.close());
      return slow(to)();
    },
    14,
  ],
];

function slow(to: string): (timeoutMs?: number) => ReturnType<Unary> {
  const call = caller(scene.channels(), to);
  return (timeoutMs) => call(timeoutMs, SLOW);
}

test.each(sent)('the error of a call does not say that nothing was sent, when %s', async (_, fail, code) => {
  expect(await errorOf(fail())).toMatchObject({ code, neverSent: false });
  expect(scene.served).toEqual([SLOW]);
});
