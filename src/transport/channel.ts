import { statusCode } from '../model/snapshot';
import { messageOf } from '../model/thrown';
import { Metadata, type ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js';
import { Connection, CONNECTION_LIMITS, type ConnectionLimits } from './connection';
import { SentTokens } from './sent-tokens';
import { plaintextCredentials, type TlsState, type TransportSecurity } from './tls';

/** Generous: grpc-js refuses larger replies with RESOURCE_EXHAUSTED, which looks transient. Other bounds apply later. */
export const MAXIMUM_REPLY_BYTES = 64 * 1024 * 1024;

const OPTIONS: ChannelOptions = {
  'grpc.primary_user_agent': 'temporal-lro',
  'grpc.max_receive_message_length': MAXIMUM_REPLY_BYTES,
  // Calls go where this package is configured to send them: ignore service configs in DNS TXT records.
  'grpc.service_config_disable_resolution': 1,
  // Retries are decided by callers, which know whether a call is safe to repeat.
  'grpc.enable_retries': 0,
  'grpc.initial_reconnect_backoff_ms': 1_000,
  'grpc.max_reconnect_backoff_ms': 10_000,
};
/** For a connection that replaces one that gave up: continues its backoff. */
const OPTIONS_AFTER_GIVING_UP: ChannelOptions = { ...OPTIONS, 'grpc.initial_reconnect_backoff_ms': 5_000 };

/** One unary call over a channel. */
interface UnaryCall {
  path: string;
  body: Buffer;
  headers?: Record<string, string>;
  /** Sent in the authorization header. Hidden in the results of this call and of later calls with a token. */
  token?: string | undefined;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** An undecoded reply: a decoder that throws inside grpc-js would look like a server error. */
export interface Reply {
  body: Buffer;
  header: (name: string) => string | undefined;
}

/** A call that ended in an error. */
export class CallError extends Error {
  constructor(
    /** A google.rpc.Code. */
    readonly code: number,
    /** The error text of the server or of grpc-js. */
    readonly details: string,
    /** Looks up a header or trailer of the reply. */
    readonly header: Reply['header'] = () => undefined,
    /** A google.rpc.Status. */
    readonly status?: Buffer,
    /** Whether the call cannot have reached the server, because there was no connection during it. */
    readonly neverSent = false,
  ) {
    super(details);
  }
}

/** A connection to one address, made at the first call and kept until closed. Replaced if it breaks or hangs. */
class Channel {
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
   * Resolves as soon as a call would be sent or fail at once. Rejects with a CallError if there is no connection within
   * the timeout, or if `signal` aborts.
   */
  async connected(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const problem = await this.#usable().connected(timeoutMs, signal);
    if (problem) throw neverSent(problem.code, problem.details);
  }

  /** Rejects with a CallError, with code CANCELLED if `signal` aborts. Hides sent tokens in the result. */
  async unary({ path, body, headers = {}, token, timeoutMs, signal }: UnaryCall): Promise<Reply> {
    const sent = this.#sent;
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) {
      if (!/^[\x20-\x7e]*$/.test(value)) {
        throw neverSent(statusCode('INVALID_ARGUMENT'), `${name} is not ASCII, as a header must be`);
      }
      metadata.set(name, value);
    }
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    sent.add(token);
    const outcome = await this.#usable().unary({ path, body, metadata, timeoutMs, signal });
    // Add it again: so many other tokens may have been sent meanwhile that it was dropped.
    sent.add(token);
    const { error } = outcome;
    const header = (name: string): string | undefined => {
      const value = outcome.headers?.get(name)[0] ?? error?.metadata.get(name)[0];
      return value === undefined ? undefined : sent.hideInText(String(value));
    };
    // Leave the reply to a call without a token alone: a token service may return the same token twice.
    if (!error) return { body: token === undefined ? outcome.body : sent.hideIn(outcome.body), header };
    const status = error.metadata.get('grpc-status-details-bin')[0];
    const bytes = Buffer.isBuffer(status) ? sent.hideIn(status) : undefined;
    throw new CallError(error.code, sent.hideInText(error.details), header, bytes, outcome.neverSent);
  }

  /** Closes the connection when the calls in flight have ended. A later call makes a new connection. */
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
 * The channels of one cloud, one per address. When a TLS file is replaced, the next call connects with the new file. If
 * the new file is invalid, existing connections stay in use, and new ones use the last valid files.
 */
export class Channels {
  readonly #security: TransportSecurity;
  readonly #plaintext: boolean;
  readonly #limits: ConnectionLimits;
  readonly #channels = new Map<string, { channel: Channel; version: string }>();
  /** Shared by all addresses: one service of a cloud may echo what another one received. */
  readonly #sent = new SentTokens();
  #warned = '';

  constructor(security: TransportSecurity, plaintext: boolean, limits: ConnectionLimits = CONNECTION_LIMITS) {
    this.#security = security;
    this.#plaintext = plaintext;
    this.#limits = limits;
  }

  /** Throws an OptionError if plaintext would leave this machine. */
  to(address: string, plaintext: boolean = this.#plaintext): Channel {
    const key = `${plaintext ? 'plaintext' : 'tls'} ${address}`;
    const current = this.#channels.get(key);
    const tls = plaintext ? undefined : this.#tls();
    const version = tls?.version ?? '';
    if (current?.version === version) return current.channel;
    const channel = tls ? this.#tlsChannel(address, tls) : this.#plaintextChannel(address);
    // Calls in flight end on the previous connection.
    current?.channel.close();
    this.#channels.set(key, { channel, version });
    return channel;
  }

  #tls(): TlsState {
    try {
      return this.#security.read();
    } catch (err) {
      // A file that is being rewritten must not fail a call and its wait.
      this.#warn(messageOf(err));
      return this.#security.lastGood;
    }
  }

  /** Warns once for each problem, since every call meets it again. */
  #warn(problem: string): void {
    if (problem !== this.#warned) process.emitWarning(`temporal-lro: ${problem}; the previous connection stays in use`);
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
    // A proxy would take the plaintext off this machine.
    const options = { 'grpc.enable_http_proxy': 0 };
    return new Channel(address, plaintextCredentials(address), this.#sent, this.#limits, options);
  }
}
