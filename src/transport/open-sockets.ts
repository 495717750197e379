import { AsyncLocalStorage } from 'async_hooks';
import { subscribe } from 'diagnostics_channel';
import { Socket } from 'net';

const collector = new AsyncLocalStorage<OpenSockets>();
subscribe('net.client.socket', (message) => {
  if (typeof message !== 'object' || message === null || !('socket' in message)) return;
  if (message.socket instanceof Socket) collector.getStore()?.add(message.socket);
});

/**
 * The sockets that grpc-js opens for a client. grpc-js does not expose them, and if a peer is silent while connecting,
 * it leaves the socket open forever.
 */
export class OpenSockets {
  readonly #opened: () => void;
  readonly #sockets = new Set<Socket>();
  readonly #connecting = new Set<Socket>();

  /** Calls `opened` for each new socket. */
  constructor(opened: () => void) {
    this.#opened = opened;
  }

  /** Runs `work` and collects each socket that it opens, now or later. */
  collect<T>(work: () => T): T {
    return collector.run(this, work);
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    this.#connecting.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#connecting.delete(socket);
    });
    this.#opened();
  }

  /** Marks all open sockets as connected, so that {@link destroyConnecting} spares them. */
  connected(): void {
    this.#connecting.clear();
  }

  destroyConnecting(): void {
    for (const socket of this.#connecting) socket.destroy();
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
