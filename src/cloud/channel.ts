import { Client, Metadata, type ChannelCredentials, type ChannelOptions, type ServiceError } from '@grpc/grpc-js';
import { statusCode } from '../model/status-code';
import { SentTokens } from './sent-tokens';
import { plaintextCredentials, type TlsState, type TransportSecurity } from './transport-security';

/** gRPC refuses larger replies with RESOURCE_EXHAUSTED, which would look transient: the size of what we keep is judged later. */
export const MAXIMUM_REPLY_BYTES = 64 * 1024 * 1024;

const OPTIONS: ChannelOptions = {
  'grpc.primary_user_agent': 'temporal-lro',
  'grpc.max_receive_message_length': MAXIMUM_REPLY_BYTES,
  // A connection that went half-open is noticed though polls may be minutes apart. The cloud's own Go SDK pings the same way.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
  // Where calls go is configured here and nowhere else: not in DNS TXT records.
  'grpc.service_config_disable_resolution': 1,
  // Whether a call is repeated is decided where it is known what the call does.
  'grpc.enable_retries': 0,
  'grpc.initial_reconnect_backoff_ms': 1_000,
  'grpc.max_reconnect_backoff_ms': 10_000,
};

/** One unary call over a channel. */
export interface UnaryCall {
  path: string;
  body: Buffer;
  headers?: Record<string, string>;
  /** Goes into the authorization header, and comes back in nothing that this call or a later one with a token gives. */
  token?: string | undefined;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** A reply's bytes, undecoded: a decoder that throws within grpc-js would look like an error of the server. */
export interface Reply {
  body: Buffer;
  header: (name: string) => string | undefined;
}

/** A call that ended in an error. */
export class CallError extends Error {
  constructor(
    /** A google.rpc.Code. */
    readonly code: number,
    /** The server's own text, or that of grpc-js. */
    readonly details: string,
    /** Of the reply's headers or trailers. */
    readonly header: Reply['header'] = () => undefined,
    /** A google.rpc.Status. */
    readonly status?: Buffer,
    /** Nothing has reached the server. */
    readonly neverSent = false,
  ) {
    super(details);
  }
}

const identity = (bytes: Buffer): Buffer => bytes;

/** One connection to one address, made at the first call and kept until it is closed; grpc-js reconnects it. */
export class Channel {
  readonly #connect: () => Client;
  readonly #sent: SentTokens;
  #client: Client | undefined;

  constructor(address: string, credentials: ChannelCredentials, sent: SentTokens, options: ChannelOptions = {}) {
    this.#sent = sent;
    // With its scheme, or a host such as "unix" would be taken for one.
    this.#connect = () => new Client(`dns:${address}`, credentials, { ...OPTIONS, ...options });
  }

  /** Rejects with a CallError; when `signal` aborts, with code CANCELLED. What comes back holds no token that was sent. */
  unary({ path, body, headers = {}, token, timeoutMs, signal }: UnaryCall): Promise<Reply> {
    const sent = this.#sent;
    return new Promise((resolve, reject) => {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(headers)) {
        if (!/^[\x20-\x7e]*$/.test(value)) {
          return reject(new CallError(statusCode('INVALID_ARGUMENT'), `${name} is no ASCII text, as a header must be`));
        }
        metadata.set(name, value);
      }
      if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
      sent.add(token);
      let received: Metadata | undefined;
      const headerOf = (trailers: unknown) => (name: string) => {
        const value = received?.get(name)[0] ?? (trailers instanceof Metadata ? trailers.get(name)[0] : undefined);
        return value === undefined ? undefined : sent.hideInText(String(value));
      };
      this.#client ??= this.#connect();
      const deadline = Date.now() + timeoutMs;
      const ended = (err: ServiceError | null, reply: Buffer | undefined): void => {
        signal?.removeEventListener('abort', abort);
        // Again: since it was sent, so many others may have been that it is forgotten.
        sent.add(token);
        if (!err) {
          const body = reply ?? Buffer.alloc(0);
          // What takes no token may give one, and give the same one twice.
          return resolve({ body: token === undefined ? body : sent.hideIn(body), header: headerOf(undefined) });
        }
        // On a reply of trailers only the event "metadata" does not fire, and err.metadata holds everything.
        const status = err.metadata instanceof Metadata ? err.metadata.get('grpc-status-details-bin')[0] : undefined;
        const bytes = Buffer.isBuffer(status) ? sent.hideIn(status) : undefined;
        reject(
          new CallError(
            err.code ?? statusCode('UNKNOWN'),
            sent.hideInText(err.details ?? ''),
            headerOf(err.metadata),
            bytes,
          ),
        );
      };
      const call = this.#client.makeUnaryRequest(path, identity, identity, body, metadata, { deadline }, ended);
      const abort = (): void => call.cancel();
      call.on('metadata', (metadata) => (received = metadata));
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Closes the connection; a later call makes a new one. */
  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }
}

/**
 * The channels of one cloud, one an address. When a TLS file is replaced, the next call makes a new connection with it;
 * while the new file cannot be used, the former connection goes on, and the first one to an address is made with the
 * former files.
 */
export class Channels {
  readonly #security: TransportSecurity;
  readonly #plaintext: boolean;
  readonly #channels = new Map<string, { channel: Channel; version: string }>();
  /** To all addresses: one service of a cloud may tell what another one got. */
  readonly #sent = new SentTokens();
  #warned = '';

  constructor(security: TransportSecurity, plaintext: boolean) {
    this.#security = security;
    this.#plaintext = plaintext;
  }

  /** Throws an OptionError for plain text that would leave this machine. */
  to(address: string, plaintext: boolean = this.#plaintext): Channel {
    const key = `${plaintext ? 'plaintext' : 'tls'} ${address}`;
    const current = this.#channels.get(key);
    const tls = plaintext ? undefined : this.#tls();
    const version = tls?.version ?? '';
    if (current?.version === version) return current.channel;
    const channel = tls ? this.#tlsChannel(address, tls) : this.#plaintextChannel(address);
    // Calls under way end on the former connection.
    current?.channel.close();
    this.#channels.set(key, { channel, version });
    return channel;
  }

  #tls(): TlsState {
    try {
      return this.#security.read();
    } catch (err) {
      // A file that is being rewritten is no reason to fail a call, and with it a wait.
      this.#warn(err instanceof Error ? err.message : String(err));
      return this.#security.lastGood;
    }
  }

  /** Once for each problem: it is met again at every call. */
  #warn(problem: string): void {
    if (problem !== this.#warned) process.emitWarning(`temporal-lro: ${problem}; the former connection goes on`);
    this.#warned = problem;
  }

  close(): void {
    for (const { channel } of this.#channels.values()) channel.close();
  }

  #tlsChannel(address: string, { credentials }: TlsState): Channel {
    const { serverName } = this.#security;
    const options = serverName === undefined ? {} : { 'grpc.ssl_target_name_override': serverName };
    return new Channel(address, credentials, this.#sent, options);
  }

  #plaintextChannel(address: string): Channel {
    // Through a proxy it would leave this machine after all.
    return new Channel(address, plaintextCredentials(address), this.#sent, { 'grpc.enable_http_proxy': 0 });
  }
}
