import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { iamToken, OperationsClient } from 'temporal-lro';
import { listen } from '../support/listen';

interface Tunnel {
  target: string;
  socket: Socket;
  /** The first bytes that came through the proxy. */
  bytes: Buffer;
}

/** The HTTP proxy of a private network: grpc-js asks it for a tunnel to a host instead of asking DNS for an address. */
async function startProxy(): Promise<{ url: string; tunnel: Promise<Tunnel>; close(): void }> {
  const server = createServer();
  const tunnel = new Promise<Tunnel>((resolve) => {
    server.on('connect', ({ url: target = '' }, socket: Socket) => {
      socket.once('data', (bytes: Buffer) => resolve({ target, socket, bytes }));
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
    });
  });
  return { url: `http://${await listen(server)}`, tunnel, close: () => server.close() };
}

const HOST = 'operation.api.cloud.yandex.net';
const environment = process.env;
afterEach(() => (process.env = environment));

// Proves docs/contract.md: "The host of the service is `operation.api.cloud.yandex.net`"
test('calls go to the host of the service, over TLS', async () => {
  const proxy = await startProxy();
  process.env = { ...environment, grpc_proxy: proxy.url, no_grpc_proxy: '', no_proxy: '' };
  const client = OperationsClient.connect({ endpoint: `${HOST}:443`, credentials: iamToken('t1.secret') });
  const aborter = new AbortController();
  const call = client.get('fcmq0j5033e516c56ctq', { signal: aborter.signal });
  const { target, socket, bytes } = await proxy.tunnel;
  aborter.abort();
  await expect(call).rejects.toMatchObject({ codeName: 'CANCELLED' });
  client.close();
  socket.destroy();
  proxy.close();
  expect(target).toBe(`${HOST}:443`);
  // The first TLS record: a ClientHello, which names the host whose certificate the client expects.
  expect([...bytes.subarray(0, 2)]).toEqual([22, 3]);
  expect(bytes.includes(HOST)).toBe(true);
});

// Proves docs/contract.md: "The host of the service is `operation.api.cloud.yandex.net`"
test('the host of the service is never called in plain text', () => {
  const connect = () => OperationsClient.connect({ endpoint: `${HOST}:443`, plaintext: true });
  expect(connect).toThrow(/plaintext is true: .* is not on this machine/);
});
