import { operationFailure, OperationsClient, type CloudOptions } from 'temporal-lro';
import { method } from '../../src/apis/envelope';
import { CallFailure, UnaryServer, type IncomingCall } from '../../src/testing/server';

/** A gRPC server that speaks one dialect, and a client of it. */
export class Scene {
  readonly server = new UnaryServer();
  readonly calls: IncomingCall[] = [];
  readonly #clients: OperationsClient[] = [];
  #address = '';

  static async start(): Promise<Scene> {
    const scene = new Scene();
    scene.#address = await scene.server.listen(0);
    return scene;
  }

  get address(): string {
    return this.#address;
  }

  /** Answers a method with the replies in turn, the last one again and again. A number is a status code. */
  on(path: string, ...replies: (Uint8Array | number)[]): void {
    let n = 0;
    this.server.answer(path, (call) => {
      this.calls.push(call);
      const reply = replies[Math.min(n++, replies.length - 1)];
      if (typeof reply === 'number') return Promise.reject(new CallFailure(reply, 'no'));
      return Promise.resolve({ body: Buffer.from(reply ?? []) });
    });
  }

  client(options: CloudOptions): OperationsClient {
    const client = OperationsClient.connect({ plaintext: true, ...options });
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.server.close();
  }
}

/** Encodes the reply of a method of proto/. */
export function encoded(service: string, name: string, reply: object): Buffer {
  return method(name, service).responseSerialize(reply);
}

export const anyOf = (type: string, value: Uint8Array = new Uint8Array()): object => ({
  type_url: `type.googleapis.com/${type}`,
  value,
});

/** The failure that a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (err) {
    return operationFailure(err) ?? err;
  }
}

/** Polls without a pause. */
export const QUICK = { poll: { initialInterval: '5 ms', maximumInterval: '5 ms' } } as const;
