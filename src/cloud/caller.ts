import { statusCode } from '../model/snapshot';
import { checkToken, CredentialsError, type Credentials } from '../credentials/credentials';
import { TokenCache, type Fetched } from '../credentials/token-cache';
import type { DescriptorRegistry } from '../descriptors/registry';
import { configurationError } from '../model/failure';
import { OptionError } from '../model/check';
import { CallError, Channels, type Reply } from '../transport/channel';
import { OperationServiceError } from '../apis/error';
import { BARE_CALL_TIMEOUT_MS, type BareCall } from '../apis/iam';
import { messageOf } from '../model/thrown';
import { Limiter, type Purpose, type TurnOptions } from '../transport/limiter';
import type { ResolvedCloudOptions } from './options';

/** What a call is for. */
export type CallKind = 'poll' | 'cancel' | 'start' | 'call' | 'read';

/** One unary call. */
export interface Call {
  kind: CallKind;
  /** Describes the call in error messages: the request and the operation. */
  what: string;
  address: string;
  path: string;
  body: Buffer;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
  /** @default the request timeout of the cloud */
  timeoutMs?: number;
  /** Aborts the call instead of `signal` once it is being sent. @default signal */
  inFlight?: AbortSignal | undefined;
}

/** Observes the outcomes of calls, in the async context of each call. Must not throw. */
export interface CallObserver {
  /** `code` is the name of a status code; `OK` if the call succeeded. */
  called(kind: CallKind, code: string, latencyMs: number): void;
  tokenFetched(succeeded: boolean): void;
}

/**
 * Makes the calls of one cloud: over one connection per address, within the cloud's limits, with a deadline and a
 * token. If the token is refused, renews it and retries once. Removes current and earlier tokens from replies.
 */
export class Caller {
  readonly #cloud: string;
  readonly #requestTimeoutMs: number;
  readonly #registry: DescriptorRegistry;
  readonly #limiter: Limiter;
  readonly #channels: Channels;
  readonly #observer: CallObserver | undefined;
  #tokens: TokenCache<string> | undefined;

  constructor(cloud: string, options: ResolvedCloudOptions, registry: DescriptorRegistry, observer?: CallObserver) {
    this.#observer = observer;
    this.#cloud = cloud;
    this.#requestTimeoutMs = options.requestTimeoutMs;
    this.#registry = registry;
    this.#limiter = new Limiter(options.maxConcurrentRequests, options.maxRequestsPerSecond);
    this.#channels = new Channels(options.security, options.plaintext);
  }

  /** Uses tokens of `credentials` for calls from now on. */
  authenticate(credentials: Credentials): void {
    this.#tokens = new TokenCache(async (signal) => {
      let succeeded = false;
      try {
        const token = checkToken(await credentials.getToken(signal), Date.now());
        succeeded = true;
        return token;
      } finally {
        this.#observer?.tokenFetched(succeeded);
      }
    });
  }

  /** Rejects with an OperationServiceError. */
  async call(unconnected: Call, purpose?: Purpose): Promise<Reply> {
    const call = await this.#connected(unconnected);
    return this.#limiter.run(() => this.#make(call), { signal: call.signal, ...(purpose && { purpose }) });
  }

  /** Lets `calls` make several calls to an address in sequence, in one turn of the cloud's limits. */
  async inOneTurn<T>(
    to: Pick<Call, 'kind' | 'what' | 'address' | 'path'>,
    calls: (make: (call: Call) => Promise<Reply>) => Promise<T>,
    turn: TurnOptions,
  ): Promise<T> {
    await this.#connected({ ...to, body: Buffer.alloc(0), signal: turn.signal });
    return this.#limiter.run((another) => {
      let made = 0;
      return calls((call) => {
        if (made++ > 0) another();
        return this.#make(call);
      });
    }, turn);
  }

  async #make(call: Call): Promise<Reply> {
    // Get the token only now: it might expire while the call waits for its turn.
    const token = await this.#token(call);
    if (!token) return this.#attempt(call, undefined);
    try {
      return await this.#attempt(call, token);
    } catch (err) {
      if (!isUnauthenticated(err)) throw err;
      this.#tokens?.refused(token);
      const next = await this.#token(call, token);
      if (next?.value === token.value) throw err;
      const reply = await this.#attempt(call, next);
      // Only now, since a host that refuses every token would otherwise cost a token exchange per call.
      if (next) this.#tokens?.accepted(next);
      return reply;
    }
  }

  /** Makes a call without a token and outside the limits, to get tokens and endpoints. Rejects with a CallError. */
  callBare({ address, plaintext, ...call }: BareCall): Promise<Reply> {
    return this.#channels.to(address, plaintext).unary({ ...call, timeoutMs: BARE_CALL_TIMEOUT_MS });
  }

  close(): void {
    this.#channels.close();
  }

  async #token({ what, signal }: Call, refused?: Fetched<string>): Promise<Fetched<string> | undefined> {
    try {
      return await this.#tokens?.get(signal, refused);
    } catch (err) {
      if (err instanceof OperationServiceError && err.neverSent) throw err;
      const code = statusCode(err instanceof CredentialsError ? 'UNAUTHENTICATED' : 'UNAVAILABLE');
      throw new OperationServiceError(what, {
        code,
        neverSent: true,
        message: `no token: ${messageOf(err)}`,
      });
    }
  }

  /** Connects, and returns the call with the rest of its timeout. Done before its turn, which must not block others. */
  async #connected(call: Call): Promise<Call> {
    const beganAt = performance.now();
    const { timeoutMs = this.#requestTimeoutMs } = call;
    try {
      await this.#channels.to(call.address).connected(timeoutMs, call.signal);
    } catch (err) {
      throw this.#failed(call, err, beganAt);
    }
    return { ...call, timeoutMs: Math.max(1, timeoutMs - (performance.now() - beganAt)) };
  }

  async #attempt(call: Call, token: Fetched<string> | undefined): Promise<Reply> {
    const beganAt = performance.now();
    const { what: _, address, inFlight, timeoutMs = this.#requestTimeoutMs, ...unary } = call;
    const signal = inFlight ?? call.signal;
    try {
      const reply = await this.#channels.to(address).unary({ ...unary, signal, token: token?.value, timeoutMs });
      this.#observer?.called(call.kind, 'OK', performance.now() - beganAt);
      return reply;
    } catch (err) {
      throw this.#failed(call, err, beganAt);
    }
  }

  /** The error to throw for `err`. */
  #failed({ kind, what }: Call, err: unknown, beganAt: number): unknown {
    if (err instanceof CallError) {
      const error = OperationServiceError.from(what, err, this.#registry);
      this.#observer?.called(kind, error.codeName, performance.now() - beganAt);
      return error;
    }
    return err instanceof OptionError ? configurationError(this.#cloud, `${what}: ${err.message}`) : err;
  }
}

function isUnauthenticated(err: unknown): boolean {
  return err instanceof OperationServiceError && err.code === statusCode('UNAUTHENTICATED');
}
