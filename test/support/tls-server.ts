import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { listen } from './listen';

/**
 * Terminates TLS as `localhost` with a certificate of `tls/ca.pem`, and forwards everything to an address of this
 * machine.
 */
export async function tlsServer(target: string): Promise<{ address: string; close(): Promise<void> }> {
  const [cert, key] = ['server.pem', 'server.key'].map((name) => readFileSync(join('test/support/tls', name)));
  const sockets = new Set<TLSSocket>();
  const server = createServer({ cert, key, ALPNProtocols: ['h2'] }, (near) => {
    const far = connect(Number(target.split(':')[1]), '127.0.0.1');
    const end = (): void => {
      sockets.delete(near);
      near.destroy();
      far.destroy();
    };
    sockets.add(near);
    for (const one of [near, far]) one.on('error', end).on('close', end);
    near.pipe(far).pipe(near);
  });
  return {
    address: await listen(server),
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
