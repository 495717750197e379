import { connect, createServer, type Socket } from 'node:net';
import { listen } from './listen';

/** A TCP relay in front of an address of this machine, which can make connections fail as a network does. */
export interface Relay {
  address: string;
  /** The number of connections so far. */
  connections(): number;
  /** The number of clients that have not ended their connection. */
  open(): number;
  /**
   * While silent, it swallows the bytes of every connection, of new ones from the first byte. Connections that were
   * open at that time stay silent without an end: half-open.
   */
  silence(isSilent: boolean): void;
  /** Swallows the bytes of the connections that are open now; later ones work. */
  stallOpen(): void;
  /** Breaks every connection, and each new one at once, until called with false. */
  cut(isCut: boolean): void;
  close(): Promise<void>;
}

export interface RelayOptions {
  /**
   * Whether the nth connection, from 1, is accepted and then silent from the first byte.
   * @default none
   */
  isSilent?: (nth: number) => boolean;
}

export async function relay(
  target: string,
  { isSilent: isSilentFromStart = () => false }: RelayOptions = {},
): Promise<Relay> {
  const port = Number(target.split(':')[1]);
  const sockets = new Set<Socket>();
  const near = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  let count = 0;
  let isSilent = false;
  let isCut = false;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    count++;
    if (isCut) {
      client.on('error', () => undefined).destroy();
      return;
    }
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    near.add(client);
    for (const [socket, other] of [
      [client, far],
      [far, client],
    ] as const) {
      sockets.add(socket);
      if (isSilent || isSilentFromStart(count)) silent.add(socket);
      socket.on('data', (bytes) => silent.has(socket) || other.write(bytes));
      socket
        .on('error', () => undefined)
        .on('end', () => {
          near.delete(socket);
          // Not even the end of a connection is acknowledged.
          if (!silent.has(socket)) other.end();
        })
        .on('close', () => {
          sockets.delete(socket);
          near.delete(socket);
          if (!silent.has(socket)) other.destroy();
        });
    }
  });
  const address = await listen(server);
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const stallOpen = (): void => sockets.forEach((socket) => silent.add(socket));
  return {
    address,
    connections: () => count,
    open: () => near.size,
    silence: (silence) => {
      isSilent = silence;
      if (silence) stallOpen();
    },
    stallOpen,
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
