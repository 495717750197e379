/** The cloud's documentation recommends renewing tokens every hour; the old token stays valid. */
const MAXIMUM_AGE_MS = 3_600_000;
/** The share of a value's lifetime after which it is renewed: the rest covers an outage of its source. */
const USABLE_SHARE = 0.9;
const FIRST_BACKOFF_MS = 1_000;
/** When the source fails. With jitter at most 15 s: polls must work within 30 s after the source recovers. */
const MAXIMUM_FAILURE_BACKOFF_MS = 10_000;
/** When the fetched value is refused. */
const MAXIMUM_REFUSAL_BACKOFF_MS = 60_000;
/** A fetch times out after this long: its connection may be half-open. */
const FETCH_TIMEOUT_MS = 10_000;

/** A fetched value. Its object identity tells one fetch from another. */
export interface Fetched<T> {
  readonly value: T;
}

/**
 * Clocks and randomness, for tests. `now` is in epoch milliseconds, like `expiresAt`; `random` is uniform in [0, 1).
 * Backoff and renewal use `monotonic`, since the wall clock may be set back.
 */
export interface TokenCacheOptions {
  now?: () => number;
  monotonic?: () => number;
  random?: () => number;
  fetchTimeoutMs?: number;
}

/**
 * Caches a value that expires, such as a token: fetches it once for all callers, renews it in the background well
 * before it expires, and uses it as long as it is valid. While the source fails, fetches back off exponentially with
 * jitter.
 */
export class TokenCache<T> {
  readonly #fetchValue: (signal: AbortSignal) => Promise<{ value: T; expiresAt?: Date }>;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #random: () => number;
  readonly #fetchTimeoutMs: number;
  /** `renewAtMs` and the times below are on the monotonic clock, `expiresAtMs` on the wall clock. */
  #current: { fetched: Fetched<T>; renewAtMs: number; expiresAtMs: number } | undefined;
  #fetching: Promise<Fetched<T>> | undefined;
  #failures = 0;
  #lastError: unknown;
  /** No fetch before this time. */
  #notBeforeMs = 0;
  /** The refused value, kept until a new one is fetched: other servers may still accept it. */
  #refused: Fetched<T> | undefined;
  #refusals = 0;
  /** Refusals before this time are ignored: an earlier refusal has just caused a fetch. */
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
   * Returns a value that has not expired. Rejects with the source's error, at once during backoff, and when `signal`
   * aborts; the fetch then continues for other callers. Pass the value that was `refused`, so that it is not returned
   * again if the new fetch fails.
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
    // The old value works until it expires, so a failed renewal is not an error yet.
    if (this.#monotonic() >= renewAtMs) void this.#fetch().catch(() => undefined);
    return fetched;
  }

  /**
   * Reports that a call with this value was refused: the next `get` fetches a new one, once for all callers that were
   * refused with it. Repeated refusals back off exponentially.
   */
  refused(fetched: Fetched<T>): void {
    const now = this.#monotonic();
    if (this.#current?.fetched !== fetched || this.#refused === fetched || now < this.#refuseFromMs) return;
    this.#refused = fetched;
    this.#refuseFromMs = now + this.#backoffMs(this.#refusals++, MAXIMUM_REFUSAL_BACKOFF_MS);
  }

  /** Reports that a call refused with the previous value succeeded with this one: resets the backoff for refusals. */
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

  /** One fetch serves many callers, so none of them may abort it; only the timeout does. */
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

/** Settles like `promise`, but rejects with the signal's reason as soon as it aborts. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
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
