import { statusCode } from '../model/snapshot';
import {
  Client,
  connectivityState,
  type ChannelCredentials,
  type ChannelOptions,
  type ClientUnaryCall,
  type Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { OpenSockets } from './open-sockets';

/** Timeouts for a silent peer, in milliseconds. */
export interface ConnectionLimits {
  /** To resolve the peer's name. Resolvers ask one name server after another, for 5 s each. */
  resolveMs: number;
  /** From then until the peer's HTTP/2 settings arrive: TCP, proxy and TLS together. */
  connectMs: number;
  /** From sending a call until anything is received. After that, new calls use another connection. */
  replyMs: number;
  /** The interval of pings while calls are in flight. Without calls none are sent: servers forbid it by default. */
  pingAfterMs: number;
  /** From a ping to its answer. After that, the calls in flight fail. */
  pingAnswerMs: number;
}

/**
 * Each is under 30 s, since polls must work again within 30 s. Servers close a connection after the fourth ping in five
 * minutes without sending data. A call takes at most 30 s, and `replyMs` after the first call without a reply no new
 * call is made, so there is time for three pings only.
 */
export const CONNECTION_LIMITS: ConnectionLimits = {
  resolveMs: 20_000,
  connectMs: 10_000,
  replyMs: 10_000,
  pingAfterMs: 15_000,
  pingAnswerMs: 8_000,
};

/** How long to wait for the peer to close the connection, before destroying its sockets. */
const GOODBYE_MS = 1_000;

/** One unary call, ready to be sent. */
interface Request {
  path: string;
  body: Buffer;
  metadata: Metadata;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** The outcome of a call. */
interface Outcome {
  /** Undefined if the call succeeded. */
  error?: { code: number; details: string; metadata: Metadata };
  body: Buffer;
  headers: Metadata | undefined;
  /** Whether there was no connection during the call, so that nothing was sent. */
  neverSent: boolean;
}

/** Why there is no connection. */
interface NoConnection {
  code: number;
  details: string;
}

const identity = (bytes: Buffer): Buffer => bytes;

/**
 * A grpc-js client for one address. Connects at the first call and reconnects when the connection breaks. grpc-js waits
 * forever for a silent peer; this class becomes unusable instead.
 */
export class Connection {
  readonly #address: string;
  readonly #limits: ConnectionLimits;
  readonly #sockets = new OpenSockets(() => this.#nameIsResolved());
  readonly #client: Client;
  #isConnected = false;
  #timesConnected = 0;
  #calls = 0;
  /** When the first call was sent after the last received data. */
  #unansweredSince: number | undefined;
  #connecting: { phase: 'name' | 'peer'; timer: NodeJS.Timeout } | undefined;
  readonly #waiting = new Set<(problem?: NoConnection) => void>();
  #isRetired = false;
  #isClosed = false;
  #problem: NoConnection | undefined;

  constructor(address: string, credentials: ChannelCredentials, options: ChannelOptions, limits: ConnectionLimits) {
    this.#address = address;
    this.#limits = limits;
    // With a scheme, because a host such as "unix" would be taken for one.
    const target = `dns:${address}`;
    this.#client = this.#sockets.collect(
      () =>
        new Client(target, credentials, {
          ...options,
          // The global pool would give a new client the hanging connection of this one.
          'grpc.use_local_subchannel_pool': 1,
          'grpc.keepalive_time_ms': limits.pingAfterMs,
          'grpc.keepalive_timeout_ms': limits.pingAnswerMs,
          'grpc.keepalive_permit_without_calls': 0,
        }),
    );
    this.#watch();
  }

  /** Whether new calls may use this connection. If not, {@link retire} it and make another one. */
  get isUsable(): boolean {
    return !this.#isRetired && this.#silentMs < this.#limits.replyMs;
  }

  get hasGivenUp(): boolean {
    return this.#problem !== undefined;
  }

  /**
   * Resolves to undefined as soon as a call would not wait for the connection: it is connected, or connecting failed,
   * which the call reports. Resolves to the reason if there is no connection in time, or never will be.
   */
  connected(timeoutMs: number, signal?: AbortSignal): Promise<NoConnection | undefined> {
    if (this.#isConnected) return Promise.resolve(undefined);
    const state = this.#sockets.collect(() => this.#client.getChannel().getConnectivityState(true));
    this.#limitConnecting();
    if (state === connectivityState.TRANSIENT_FAILURE) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const end = (problem?: NoConnection): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        this.#waiting.delete(end);
        resolve(problem);
      };
      const abort = (): void => end({ code: statusCode('CANCELLED'), details: 'Cancelled on client' });
      const timer = setTimeout(
        () => end({ code: statusCode('DEADLINE_EXCEEDED'), details: this.#noConnectionWithin(timeoutMs) }),
        timeoutMs,
      );
      this.#waiting.add(end);
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Makes a call. Never rejects. If `signal` aborts, the outcome is CANCELLED. */
  unary({ path, body, metadata, timeoutMs, signal }: Request): Promise<Outcome> {
    return new Promise((resolve) => {
      const [wasConnected, timesConnected] = [this.#isConnected, this.#timesConnected];
      let headers: Metadata | undefined;
      const ended = (error: ServiceError | null, reply: Buffer | undefined): void => {
        signal?.removeEventListener('abort', abort);
        this.#ended(signal);
        // For a trailers-only reply the event "metadata" does not fire, and error.metadata holds everything.
        if (!error || Object.keys(error.metadata.getMap()).length > 0) this.#received();
        const neverSent = !wasConnected && this.#timesConnected === timesConnected;
        const answer = { body: reply ?? Buffer.alloc(0), headers, neverSent };
        if (!error) return resolve(answer);
        const code: number = error.code;
        const { metadata: trailers } = error;
        const isLate = neverSent && code === statusCode('DEADLINE_EXCEEDED');
        const details = isLate ? `${this.#noConnectionWithin(timeoutMs)} (${error.details})` : error.details;
        resolve({ ...answer, error: { code, details, ...(neverSent && this.#problem), metadata: trailers } });
      };
      this.#calls++;
      if (this.#isConnected) this.#unansweredSince ??= performance.now();
      const deadline = Date.now() + timeoutMs;
      const make = (): ClientUnaryCall =>
        this.#client.makeUnaryRequest(path, identity, identity, body, metadata, { deadline }, ended);
      // A call over an existing connection opens no socket, and an async context makes it slower.
      const call = this.#isConnected ? make() : this.#sockets.collect(make);
      this.#limitConnecting();
      const abort = (): void => call.cancel();
      call.on('metadata', (received) => {
        headers = received;
        this.#received();
      });
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Takes no new calls, and closes when the calls in flight have ended. */
  retire(): void {
    this.#isRetired = true;
    if (!this.#isConnected || this.#calls === 0) this.#close();
  }

  get #silentMs(): number {
    return this.#unansweredSince === undefined ? 0 : performance.now() - this.#unansweredSince;
  }

  #received(): void {
    this.#unansweredSince = this.#calls > 0 && this.#isConnected ? performance.now() : undefined;
  }

  #ended(signal: AbortSignal | undefined): void {
    this.#calls--;
    if (this.#calls > 0) return;
    // No call waited long enough for the silence to mean anything.
    if (signal?.aborted && this.#silentMs < this.#limits.replyMs) this.#unansweredSince = undefined;
    if (this.#isRetired) this.#close();
  }

  #noConnectionWithin(ms: number): string {
    return `no connection to ${this.#address} within ${ms / 1000} s`;
  }

  #limitConnecting(): void {
    if (this.#isConnected || this.#isClosed || this.#connecting) return;
    const { resolveMs } = this.#limits;
    this.#limit('name', resolveMs, `the name of ${this.#address} was not resolved within ${resolveMs / 1000} s`);
  }

  #nameIsResolved(): void {
    if (this.#connecting?.phase !== 'name') return;
    this.#endLimit();
    const { connectMs } = this.#limits;
    this.#limit('peer', connectMs, this.#noConnectionWithin(connectMs));
  }

  #limit(phase: 'name' | 'peer', ms: number, details: string): void {
    const giveUp = (): void => {
      if (this.#connecting?.timer !== timer) return;
      this.#problem = { code: statusCode('UNAVAILABLE'), details };
      this.retire();
    };
    // First read what arrived while this process was busy or stopped.
    const timer = setTimeout(() => setImmediate(giveUp), ms).unref();
    this.#connecting = { phase, timer };
  }

  #endLimit(): void {
    clearTimeout(this.#connecting?.timer);
    this.#connecting = undefined;
  }

  /** Follows the state of the grpc-js channel. */
  #watch(): void {
    const channel = this.#client.getChannel();
    const state = channel.getConnectivityState(false);
    if (state === connectivityState.SHUTDOWN) return;
    this.#isConnected = state === connectivityState.READY;
    if (this.#isConnected) {
      this.#timesConnected++;
      this.#sockets.connected();
      this.#endLimit();
    }
    // Silence before this connection was made does not count.
    this.#received();
    if (this.#isConnected || state === connectivityState.TRANSIENT_FAILURE) this.#tellWaiting();
    channel.watchConnectivityState(state, Infinity, () => this.#watch());
  }

  #tellWaiting(problem?: NoConnection): void {
    for (const tell of this.#waiting) tell(problem);
  }

  #close(): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#endLimit();
      this.#tellWaiting(this.#problem ?? { code: statusCode('UNAVAILABLE'), details: 'the connection was closed' });
      this.#client.close();
      this.#sockets.destroyConnecting();
    }
    if (this.#calls === 0) setTimeout(() => this.#sockets.destroyAll(), GOODBYE_MS).unref();
  }
}
