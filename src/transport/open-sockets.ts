import { AsyncLocalStorage } from 'async_hooks';
import { subscribe } from 'diagnostics_channel';
import { Socket } from 'net';

const collector = new AsyncLocalStorage<OpenSockets>();
subscribe('net.client.socket', (message) => {
  if (typeof message !== 'object' || message === null || !('socket' in message)) return;
  if (message.socket instanceof Socket) collector.getStore()?.add(message.socket);
});

/**
 * The sockets that grpc-js opens for a client. It gives them to nobody, and leaves one open for ever whose peer is silent
 * while the connection is being made.
 */
export class OpenSockets {
  readonly #opened: () => void;
  readonly #sockets = new Set<Socket>();
  readonly #connecting = new Set<Socket>();

  /** `opened` is told of each. */
  constructor(opened: () => void) {
    this.#opened = opened;
  }

  /** Runs `work`. Each socket that it opens, now or later, is one of these. */
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

  /** A connection has been made: {@link destroyConnecting} spares the sockets that are open now. */
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
