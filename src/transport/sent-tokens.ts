/** Real tokens are at least twice as long. A shorter text may be a word that occurs in replies. */
const MINIMUM_LENGTH = 20;
/** No IAM token lives longer. */
const MAXIMUM_LIFE_MS = 12 * 3_600_000;
/** About a dozen tokens are fetched in that time, but some providers return a new one for each call. */
const MAXIMUM_TOKENS = 100;

/**
 * Masks tokens in replies: servers echo requests in errors and operations, which end up in histories and logs. A
 * service may echo an earlier call, so all tokens that may still be valid are masked. Texts shorter than any real token
 * are not.
 */
export class SentTokens {
  readonly #now: () => number;
  /** Ordered by the time of the last use. */
  readonly #sent = new Map<string, { bytes: Buffer; sentAtMs: number }>();

  /** `now` is in milliseconds, on any clock. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  add(token = ''): void {
    if (token.length < MINIMUM_LENGTH) return;
    const sentAtMs = this.#now();
    const bytes = this.#sent.get(token)?.bytes ?? Buffer.from(token);
    this.#sent.delete(token);
    this.#sent.set(token, { bytes, sentAtMs });
    for (const [oldest, { sentAtMs: since }] of this.#sent) {
      if (this.#sent.size <= MAXIMUM_TOKENS && sentAtMs - since <= MAXIMUM_LIFE_MS) break;
      this.#sent.delete(oldest);
    }
  }

  /** Masks tokens without changing the length, so that protobuf stays decodable. Returns `bytes` if there are none. */
  hideIn(bytes: Buffer): Buffer {
    let masked = bytes;
    for (const { bytes: token } of this.#sent.values()) {
      // Search the original bytes: if two tokens overlap, masking one must not hide the other from the search.
      for (let at = bytes.indexOf(token); at >= 0; at = bytes.indexOf(token, at + token.length)) {
        if (masked === bytes) masked = Buffer.from(bytes);
        masked.fill('*', at, at + token.length);
      }
    }
    return masked;
  }

  hideInText(text: string): string {
    return this.#sent.size === 0 ? text : this.hideIn(Buffer.from(text)).toString();
  }
}
