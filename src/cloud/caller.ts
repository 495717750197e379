import { Metadata } from '@grpc/grpc-js';
import type { DescriptorRegistry } from '../descriptors/registry';
import { TokenCache } from '../credentials/token-cache';
import { statusCode } from '../model/status-code';
import { CallError, Channel, type Reply } from './channel';
import { OperationServiceError } from './error';
import { Limiter } from './limiter';
import type { ResolvedCloudOptions } from './options';

/** One unary call. */
export interface Call {
  /** For error messages: what was asked, of which operation. */
  what: string;
  address: string;
  path: string;
  body: Buffer;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/**
 * Makes the calls of one cloud: over one connection an address, within the cloud's limits, with a deadline, and with a
 * token that is renewed once where it is refused. Rejects with an OperationServiceError.
 */
export class Caller {
  readonly #options: ResolvedCloudOptions;
  readonly #registry: DescriptorRegistry;
  readonly #limiter: Limiter;
  readonly #tokens: TokenCache | undefined;
  readonly #channels = new Map<string, Channel>();

  constructor(options: ResolvedCloudOptions, registry: DescriptorRegistry) {
    this.#options = options;
    this.#registry = registry;
    this.#limiter = new Limiter(options.maxConcurrentRequests, options.maxRequestsPerSecond);
    this.#tokens = options.credentials && new TokenCache(options.credentials);
  }

  async call(call: Call): Promise<Reply> {
    const token = await this.#token(call);
    try {
      return await this.#attempt(call, token);
    } catch (err) {
      const isRefused = err instanceof OperationServiceError && err.code === statusCode('UNAUTHENTICATED');
      if (!isRefused || token === undefined) throw err;
      this.#tokens?.refused(token);
      return this.#attempt(call, await this.#token(call));
    }
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close();
  }

  async #token({ what }: Call): Promise<string | undefined> {
    try {
      return await this.#tokens?.get();
    } catch (err) {
      if (err instanceof OperationServiceError) throw err;
      const reason = err instanceof Error ? err.message : String(err);
      throw new OperationServiceError(what, { code: statusCode('UNAVAILABLE'), message: `no token: ${reason}` });
    }
  }

  async #attempt({ what, address, path, body, headers = {}, signal }: Call, token: string | undefined): Promise<Reply> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    const { requestTimeoutMs } = this.#options;
    try {
      return await this.#limiter.run(
        () => this.#channel(address).unary(path, body, metadata, requestTimeoutMs, signal),
        signal,
      );
    } catch (err) {
      if (err instanceof CallError) throw OperationServiceError.from(what, err.error, err.headers, this.#registry);
      throw err;
    }
  }

  #channel(address: string): Channel {
    let channel = this.#channels.get(address);
    if (!channel) {
      const { channelCredentials, serverName } = this.#options;
      const options = serverName === undefined ? {} : { 'grpc.ssl_target_name_override': serverName };
      channel = new Channel(address, channelCredentials(address), options);
      this.#channels.set(address, channel);
    }
    return channel;
  }
}
