import { connect, createServer, type Server, type Socket } from 'node:net';
import { freeAddress } from '../test/support/listen';

/**
 * How a proxy breaks connections.
 * - `refused`: nothing listens
 * - `reset`: open connections are reset, and new ones as soon as they are made
 * - `silent`: open connections swallow every byte and never recover, as after a lost route; new ones work
 * - `silentNew`: open connections are reset; new ones are accepted but never answered, even after the fault
 * - `slow`: every chunk of bytes arrives late
 */
export type ConnectionFault = 'refused' | 'reset' | 'silent' | 'silentNew' | 'slow';

const SLOW_MS = 700;

/** A TCP proxy on a fixed local port, in front of a local address. */
export class Proxy {
  readonly address: string;
  readonly #target: number;
  readonly #near = new Set<Socket>();
  readonly #silent = new WeakSet<Socket>();
  #server: Server | undefined;
  #fault: ConnectionFault | undefined;

  private constructor(address: string, target: string) {
    this.address = address;
    this.#target = portOf(target);
  }

  static async start(target: string): Promise<Proxy> {
    const proxy = new Proxy(await freeAddress(), target);
    await proxy.#listen();
    return proxy;
  }

  /** Breaks connections until {@link heal}. */
  async spoil(fault: ConnectionFault): Promise<void> {
    this.#fault = fault;
    if (fault === 'refused') await this.#stopListening();
    // A fault of new connections shows only if clients must reconnect.
    if (fault === 'refused' || fault === 'reset' || fault === 'silentNew') {
      for (const near of this.#near) near.resetAndDestroy();
    }
    if (fault === 'silent') for (const near of this.#near) this.#silent.add(near);
  }

  /** Makes new connections work again. Silent ones stay silent. */
  async heal(): Promise<void> {
    this.#fault = undefined;
    if (!this.#server) await this.#listen();
  }

  async close(): Promise<void> {
    for (const near of this.#near) near.destroy();
    await this.#stopListening();
  }

  #listen(): Promise<void> {
    const server = createServer((near) => this.#relay(near));
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(portOf(this.address), '127.0.0.1', resolve);
    });
  }

  async #stopListening(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    // Not awaited: it stops listening at once, but would wait for open connections.
    server?.close();
    await Promise.resolve();
  }

  #relay(near: Socket): void {
    this.#near.add(near);
    near.on('close', () => this.#near.delete(near)).on('error', () => undefined);
    if (this.#fault === 'reset') return void near.resetAndDestroy();
    if (this.#fault === 'silentNew') this.#silent.add(near);
    const far = connect(this.#target, '127.0.0.1').setNoDelay();
    near.setNoDelay();
    far.on('error', () => undefined).on('close', () => near.destroy());
    near.on('close', () => far.destroy());
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      let late = 0;
      from.on('data', (bytes) => {
        if (this.#silent.has(near)) return;
        const write = (): void => void (to.destroyed || to.write(bytes));
        // Bytes after late ones are delayed too, or they would overtake them.
        if (this.#fault !== 'slow' && late === 0) return write();
        late++;
        setTimeout(() => {
          late--;
          write();
        }, SLOW_MS);
      });
    }
  }
}

function portOf(address: string): number {
  return Number(address.split(':')[1]);
}
