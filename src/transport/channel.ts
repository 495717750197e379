import { statusCode } from '../model/snapshot';
import { Metadata, type ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js';
import { Connection, CONNECTION_LIMITS, type ConnectionLimits } from './connection';
import { SentTokens } from './sent-tokens';
import { plaintextCredentials, type TlsState, type TransportSecurity } from './tls';

/** gRPC refuses larger replies with RESOURCE_EXHAUSTED, which would look transient: the size of what we keep is judged later. */
export const MAXIMUM_REPLY_BYTES = 64 * 1024 * 1024;

const OPTIONS: ChannelOptions = {
  'grpc.primary_user_agent': 'temporal-lro',
  'grpc.max_receive_message_length': MAXIMUM_REPLY_BYTES,
  // Where calls go is configured here and nowhere else: not in DNS TXT records.
  'grpc.service_config_disable_resolution': 1,
  // Whether a call is repeated is decided where it is known what the call does.
  'grpc.enable_retries': 0,
  'grpc.initial_reconnect_backoff_ms': 1_000,
  'grpc.max_reconnect_backoff_ms': 10_000,
};
/** In place of one that was given up: it begins where the back-off of that one had come to. */
const OPTIONS_AFTER_GIVING_UP: ChannelOptions = { ...OPTIONS, 'grpc.initial_reconnect_backoff_ms': 5_000 };

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
    /** Whether nothing of it can have reached the server, since there was no connection while it lasted. */
    readonly neverSent = false,
  ) {
    super(details);
  }
}

/** One connection to one address, made at the first call and kept until it is closed. One that breaks or hangs is replaced. */
export class Channel {
  readonly #connect: (options: ChannelOptions) => Connection;
  readonly #sent: SentTokens;
  #connection: Connection | undefined;

  constructor(
    address: string,
    credentials: ChannelCredentials,
    sent: SentTokens,
    limits: ConnectionLimits,
    options: ChannelOptions = {},
  ) {
    this.#sent = sent;
    this.#connect = (common) => new Connection(address, credentials, { ...common, ...options }, limits);
  }

  /**
   * Resolves when a call would be sent at once, or would fail at once. Rejects with a CallError when there is no
   * connection in time, and when `signal` aborts.
   */
  async connected(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const problem = await this.#usable().connected(timeoutMs, signal);
    if (problem) throw neverSent(problem.code, problem.details);
  }

  /** Rejects with a CallError; when `signal` aborts, with code CANCELLED. What comes back holds no token that was sent. */
  async unary({ path, body, headers = {}, token, timeoutMs, signal }: UnaryCall): Promise<Reply> {
    const sent = this.#sent;
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) {
      if (!/^[\x20-\x7e]*$/.test(value)) {
        throw neverSent(statusCode('INVALID_ARGUMENT'), `${name} is no ASCII text, as a header must be`);
      }
      metadata.set(name, value);
    }
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    sent.add(token);
    const outcome = await this.#usable().unary({ path, body, metadata, timeoutMs, signal });
    // Again: since it was sent, so many others may have been that it is forgotten.
    sent.add(token);
    const { error } = outcome;
    const header = (name: string): string | undefined => {
      const value = outcome.headers?.get(name)[0] ?? error?.metadata.get(name)[0];
      return value === undefined ? undefined : sent.hideInText(String(value));
    };
    // What takes no token may give one, and give the same one twice.
    if (!error) return { body: token === undefined ? outcome.body : sent.hideIn(outcome.body), header };
    const status = error.metadata.get('grpc-status-details-bin')[0];
    const bytes = Buffer.isBuffer(status) ? sent.hideIn(status) : undefined;
    throw new CallError(error.code, sent.hideInText(error.details), header, bytes, outcome.neverSent);
  }

  /** Closes the connection, once the calls that were sent over it have ended; a later call makes a new one. */
  close(): void {
    this.#connection?.retire();
    this.#connection = undefined;
  }

  #usable(): Connection {
    const current = this.#connection;
    if (current?.isUsable) return current;
    current?.retire();
    this.#connection = this.#connect(current?.hasGivenUp ? OPTIONS_AFTER_GIVING_UP : OPTIONS);
    return this.#connection;
  }
}

function neverSent(code: number, details: string): CallError {
  return new CallError(code, details, undefined, undefined, true);
}

/**
 * The channels of one cloud, one an address. When a TLS file is replaced, the next call makes a new connection with it;
 * while the new file cannot be used, the former connection goes on, and the first one to an address is made with the
 * former files.
 */
export class Channels {
  readonly #security: TransportSecurity;
  readonly #plaintext: boolean;
  readonly #limits: ConnectionLimits;
  readonly #channels = new Map<string, { channel: Channel; version: string }>();
  /** To all addresses: one service of a cloud may tell what another one got. */
  readonly #sent = new SentTokens();
  #warned = '';

  constructor(security: TransportSecurity, plaintext: boolean, limits: ConnectionLimits = CONNECTION_LIMITS) {
    this.#security = security;
    this.#plaintext = plaintext;
    this.#limits = limits;
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
    return new Channel(address, credentials, this.#sent, this.#limits, options);
  }

  #plaintextChannel(address: string): Channel {
    // Through a proxy it would leave this machine after all.
    const options = { 'grpc.enable_http_proxy': 0 };
    return new Channel(address, plaintextCredentials(address), this.#sent, this.#limits, options);
  }
}
