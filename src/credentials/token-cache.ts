/** The cloud's documentation advises to renew tokens hourly; the old one stays valid. */
const MAXIMUM_AGE_MS = 3_600_000;
/** Of a value's life: what is left is for an outage of whoever gives it. */
const USABLE_SHARE = 0.9;
const FIRST_BACKOFF_MS = 1_000;
/** Where the source fails. With the jitter 15 s: polls are to be served within half a minute after it is back. */
const MAXIMUM_FAILURE_BACKOFF_MS = 10_000;
/** Where what it gave is refused. */
const MAXIMUM_REFUSAL_BACKOFF_MS = 60_000;
/** A fetch that has not ended by then is given up: its connection may be half-open. */
const FETCH_TIMEOUT_MS = 10_000;

/** What was fetched, and one identity for everybody who uses it. */
export interface Fetched<T> {
  readonly value: T;
}

/**
 * Clocks and chance, for tests. `now` is in epoch milliseconds, as `expiresAt` is; `random` is uniform in [0, 1).
 * What is awaited goes by `monotonic`, since the other clock may be set back.
 */
export interface TokenCacheOptions {
  now?: () => number;
  monotonic?: () => number;
  random?: () => number;
  fetchTimeoutMs?: number;
}

/**
 * A value that ends, such as a token: fetched once for everybody who asks, renewed in the background well before it ends,
 * and used as long as it is valid. While its source is away it is asked less and less often, with jitter.
 */
export class TokenCache<T> {
  readonly #fetchValue: (signal: AbortSignal) => Promise<{ value: T; expiresAt?: Date }>;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #random: () => number;
  readonly #fetchTimeoutMs: number;
  /** `renewAtMs` is by the monotonic clock, as all that follows; `expiresAtMs` by that of the source. */
  #current: { fetched: Fetched<T>; renewAtMs: number; expiresAtMs: number } | undefined;
  #fetching: Promise<Fetched<T>> | undefined;
  #failures = 0;
  #lastError: unknown;
  /** The source is not asked before this. */
  #notBeforeMs = 0;
  /** Kept until there is another: not everybody need have refused it. */
  #refused: Fetched<T> | undefined;
  #refusals = 0;
  /** Refusals before this change nothing: the value has just been fetched because of one. */
  #refuseFromMs = 0;

  constructor(
    fetchValue: (signal: AbortSignal) => Promise<{ value: T; expiresAt?: Date }>,
    {
      now = Date.now,
      monotonic = () => performance.now(),
      random = Math.random,
      fetchTimeoutMs = FETCH_TIMEOUT_MS,
    }: TokenCacheOptions = {},
  ) {
    this.#fetchValue = fetchValue;
    this.#now = now;
    this.#monotonic = monotonic;
    this.#random = random;
    this.#fetchTimeoutMs = fetchTimeoutMs;
  }

  /**
   * A value that has not ended. Rejects with what its source rejected with, at once while that is backed off; and when
   * `signal` aborts, though the fetch goes on for the others. Who was `refused` with a value does not get it again in
   * place of the one that could not be fetched.
   */
  async get(signal?: AbortSignal, refused?: Fetched<T>): Promise<Fetched<T>> {
    const current = this.#current;
    if (!current || this.#now() >= current.expiresAtMs) return untilAborted(this.#fetch(), signal);
    const { fetched, renewAtMs, expiresAtMs } = current;
    if (fetched === this.#refused) {
      const next = this.#fetch().catch((err: unknown) => {
        if (fetched === refused || this.#now() >= expiresAtMs) throw err;
        return fetched;
      });
      return untilAborted(next, signal);
    }
    // The old one serves until it ends, so a failed renewal is nobody's error yet.
    if (this.#monotonic() >= renewAtMs) void this.#fetch().catch(() => undefined);
    return fetched;
  }

  /**
   * What it was good for was refused: it is fetched anew at the next `get`, once for all who were refused with it. Where
   * that does not help, ever more rarely.
   */
  refused(fetched: Fetched<T>): void {
    const now = this.#monotonic();
    if (this.#current?.fetched !== fetched || this.#refused === fetched || now < this.#refuseFromMs) return;
    this.#refused = fetched;
    this.#refuseFromMs = now + this.#backoffMs(this.#refusals++, MAXIMUM_REFUSAL_BACKOFF_MS);
  }

  /** It was good for what the one before was refused for: that refusal says nothing about this one. */
  accepted(fetched: Fetched<T>): void {
    if (this.#current?.fetched !== fetched) return;
    this.#refusals = 0;
    this.#refuseFromMs = 0;
  }

  #backoffMs(failures: number, maximumMs: number): number {
    return Math.min(maximumMs, FIRST_BACKOFF_MS * 2 ** failures) * (0.5 + this.#random());
  }

  #fetch(): Promise<Fetched<T>> {
    if (this.#fetching) return this.#fetching;
    if (this.#monotonic() < this.#notBeforeMs) return Promise.reject(toError(this.#lastError));
    this.#fetching = this.#renew().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #renew(): Promise<Fetched<T>> {
    try {
      const { value, expiresAt } = await this.#fetchInTime();
      const expiresAtMs = expiresAt?.getTime() ?? Infinity;
      const renewInMs = Math.min(MAXIMUM_AGE_MS, USABLE_SHARE * (expiresAtMs - this.#now()));
      const fetched = { value };
      this.#current = { fetched, renewAtMs: this.#monotonic() + renewInMs, expiresAtMs };
      this.#failures = 0;
      return fetched;
    } catch (err) {
      this.#notBeforeMs = this.#monotonic() + this.#backoffMs(this.#failures++, MAXIMUM_FAILURE_BACKOFF_MS);
      this.#lastError = err;
      throw err;
    }
  }

  /** One fetch serves many callers, so none of them may end it; time does. */
  async #fetchInTime(): Promise<{ value: T; expiresAt?: Date }> {
    const deadline = new AbortController();
    const timer = setTimeout(
      () => deadline.abort(new Error(`no answer within ${this.#fetchTimeoutMs / 1000} s`)),
      this.#fetchTimeoutMs,
    );
    try {
      return await untilAborted(this.#fetchValue(deadline.signal), deadline.signal);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Rejects with the signal's reason when it aborts, whatever becomes of `promise` then. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(toError(signal.reason));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
