import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { listen } from './listen';

/** The self-signed certificate of `api.cloud.yandex.net` and the hosts below it. */
export const CERTIFICATE = join('test/support/tls', 'yandex.pem');
const KEY = join('test/support/tls', 'yandex.key');

/**
 * An HTTP proxy that stands in for the cloud: it terminates TLS, and forwards everything to an address of this machine.
 */
export interface TlsProxy {
  url: string;
  /** The target of each CONNECT. */
  targets: string[];
  close(): Promise<void>;
}

export async function tlsProxy(address: string): Promise<TlsProxy> {
  const port = Number(address.split(':')[1]);
  const targets: string[] = [];
  const ends: (() => void)[] = [];
  const [cert, key] = [readFileSync(CERTIFICATE), readFileSync(KEY)];
  const server = createServer();
  server.on('connect', ({ url = '' }, socket) => {
    targets.push(url);
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const near = new TLSSocket(socket, { isServer: true, cert, key, ALPNProtocols: ['h2'] });
    const far = connect(port, '127.0.0.1');
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const one of [near, far]) one.on('error', end).on('close', end);
    near.pipe(far).pipe(near);
    ends.push(end);
  });
  return {
    url: `http://${await listen(server)}`,
    targets,
    close: () =>
      new Promise((resolve) => {
        for (const end of ends) end();
        server.close(() => resolve());
      }),
  };
}
