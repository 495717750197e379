import type { Credentials } from './credentials';

/** The cloud's documentation advises to renew hourly; the old token stays valid. */
const MAXIMUM_AGE_MS = 3_600_000;
/** Of a token's life: what is left is for an outage of the token service. */
const USABLE_SHARE = 0.9;
const FIRST_BACKOFF_MS = 1_000;
const MAXIMUM_BACKOFF_MS = 60_000;

interface Token {
  value: string;
  /** From here on a new one is fetched in the background. */
  refreshAtMs: number;
  expiresAtMs: number;
}

/**
 * The token of one identity: fetched once for everybody who asks, renewed in the background well before it ends, and
 * used as long as it is valid. While the token service is away it is asked less and less often, with jitter.
 */
export class TokenCache {
  readonly #credentials: Credentials;
  readonly #now: () => number;
  readonly #random: () => number;
  #token: Token | undefined;
  #fetching: Promise<string> | undefined;
  #failures = 0;
  #lastError = new Error('no token yet');
  /** The token service is not asked before this. */
  #notBeforeMs = 0;

  /** `now` is in epoch milliseconds, as `expiresAt` is; `random` is uniform in [0, 1). */
  constructor(credentials: Credentials, now: () => number = Date.now, random: () => number = Math.random) {
    this.#credentials = credentials;
    this.#now = now;
    this.#random = random;
  }

  /** A token that has not expired. Rejects with what the provider rejected with; at once while it is backed off. */
  async get(): Promise<string> {
    const now = this.#now();
    const token = this.#token;
    if (!token || now >= token.expiresAtMs) return this.#fetch();
    // The old one serves until it ends, so a failed renewal is nobody's error yet.
    if (now >= token.refreshAtMs) void this.#fetch().catch(() => undefined);
    return token.value;
  }

  /** The cloud refused `token`: the next call fetches a new one, once for all who were refused with it. */
  refused(token: string): void {
    if (this.#token?.value === token) this.#token = undefined;
  }

  #fetch(): Promise<string> {
    if (this.#fetching) return this.#fetching;
    if (this.#now() < this.#notBeforeMs) return Promise.reject(this.#lastError);
    this.#fetching = this.#exchange().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #exchange(): Promise<string> {
    try {
      const { token, expiresAt } = await this.#credentials.getToken(NEVER);
      const now = this.#now();
      const lifeMs = expiresAt ? Math.max(0, expiresAt.getTime() - now) : Infinity;
      this.#token = {
        value: token,
        refreshAtMs: now + Math.min(MAXIMUM_AGE_MS, USABLE_SHARE * lifeMs),
        expiresAtMs: now + lifeMs,
      };
      this.#failures = 0;
      return token;
    } catch (err) {
      const backoffMs = Math.min(MAXIMUM_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#failures++);
      this.#notBeforeMs = this.#now() + backoffMs * (0.5 + this.#random());
      this.#lastError = err instanceof Error ? err : new Error(String(err));
      throw this.#lastError;
    }
  }
}

/** One fetch serves many calls, so none of them may end it. Providers have deadlines of their own. */
const NEVER = new AbortController().signal;
