import { OperationsClient, type CloudOptions } from 'temporal-lro';
import { CallError, Channels, type Reply } from '../../src/transport/channel';
import type { ConnectionLimits } from '../../src/transport/connection';
import { yandexApi } from '../../src/apis/yandex';
import { TransportSecurity } from '../../src/transport/tls';
import { UnaryServer } from '../../src/testing/server';
import { relay, type Relay, type RelayOptions } from '../support/relay';
import { until } from '../support/until';

/** The real limits scaled down, so that tests take less time. */
export const LIMITS: ConnectionLimits = {
  resolveMs: 500,
  connectMs: 1_000,
  replyMs: 500,
  pingAfterMs: 600,
  pingAnswerMs: 500,
};
/** A method that is answered when {@link Scene.release} is called. */
export const SLOW = '/test.Slow/Get';

export type Unary = (timeoutMs?: number, path?: string, signal?: AbortSignal) => Promise<Reply>;

/** A server, the relays in front of it, and the clients that call it. */
export class Scene {
  address = '';
  /** The paths of the calls that the server received. */
  readonly served: string[] = [];
  release: () => void = () => undefined;
  readonly #ends: (() => unknown)[] = [];

  async begin(): Promise<void> {
    this.served.splice(0);
    const released = new Promise<void>((resolve) => (this.release = resolve));
    const server = new UnaryServer();
    for (const path of [yandexApi.get.path, SLOW]) {
      server.answer(path, async () => {
        this.served.push(path);
        if (path === SLOW) await released;
        return { body: Buffer.from('reply') };
      });
    }
    this.address = await server.listen(0);
    this.atEnd(() => server.close());
  }

  atEnd(end: () => unknown): void {
    this.#ends.push(end);
  }

  async end(): Promise<void> {
    this.release();
    for (const end of this.#ends.splice(0).reverse()) await end();
  }

  async relay(target: string, options?: RelayOptions): Promise<Relay> {
    const started = await relay(target, options);
    this.atEnd(() => started.close());
    return started;
  }

  /** @default security none */
  channels(security?: TransportSecurity): Channels {
    const channels = new Channels(security ?? new TransportSecurity(), !security, LIMITS);
    this.atEnd(() => channels.close());
    return channels;
  }

  /** Without TLS, and with the real limits. */
  client(options: CloudOptions): OperationsClient {
    const client = OperationsClient.connect({ plaintext: true, ...options });
    this.atEnd(() => client.close());
    return client;
  }
}

export function caller(channels: Channels, to: string): Unary {
  return (timeoutMs = 20_000, path = yandexApi.get.path, signal?: AbortSignal) =>
    channels.to(to).unary({ path, body: Buffer.alloc(0), timeoutMs, signal });
}

export async function errorOf(call: Promise<unknown>): Promise<CallError> {
  const err: unknown = await call.catch((reason: unknown) => reason);
  if (!(err instanceof CallError)) throw new Error(`No CallError: ${String(err)}`);
  return err;
}

/** Calls until a call is served. */
export async function untilServed(call: () => Promise<unknown>): Promise<void> {
  await until(() =>
    call().then(
      () => true,
      () => false,
    ),
  );
}
