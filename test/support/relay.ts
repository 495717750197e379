import { connect, createServer, type Socket } from 'node:net';
import { listen } from './listen';

/** A TCP relay before an address of this machine, which can spoil connections as a network does. */
export interface Relay {
  address: string;
  /** How many were made so far. */
  connections(): number;
  /** Swallows the bytes of every connection, of later ones too: all of them are half-open. */
  stall(): void;
  /** Swallows the bytes of the connections that are open now; later ones work. */
  stallOpen(): void;
  /** Breaks every connection, and each new one at once, until it is told otherwise. */
  cut(isCut: boolean): void;
  close(): Promise<void>;
}

export async function relay(target: string): Promise<Relay> {
  const port = Number(target.split(':')[1]);
  const sockets = new Set<Socket>();
  const stalled = new WeakSet<Socket>();
  let count = 0;
  let isStalled = false;
  let isCut = false;
  const server = createServer((near) => {
    count++;
    if (isCut) {
      near.on('error', () => undefined).destroy();
      return;
    }
    const far = connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('data', (bytes) => isStalled || stalled.has(socket) || other.write(bytes));
      socket
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
    }
  });
  const address = await listen(server);
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    address,
    connections: () => count,
    stall: () => (isStalled = true),
    stallOpen: () => sockets.forEach((socket) => stalled.add(socket)),
    cut: (cut) => {
      isCut = cut;
      if (cut) breakAll();
    },
    close: () =>
      new Promise((resolve) => {
        breakAll();
        server.close(() => resolve());
      }),
  };
}
