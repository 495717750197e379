/** Real tokens have twice as many characters and more. What is shorter may be a name or a word, which replies are full of. */
const MINIMUM_LENGTH = 20;
/** No IAM token lives longer. */
const MAXIMUM_LIFE_MS = 12 * 3_600_000;
/** In that time a dozen are renewed; but there are providers that give another one whenever they are asked. */
const MAXIMUM_TOKENS = 100;

/**
 * Takes tokens out of what a server sent: echoes of requests appear in errors and operations, and those in histories and
 * logs. A service may have kept what an earlier call carried, so all count that may still be valid. What is shorter than
 * any real token is let through.
 */
export class SentTokens {
  readonly #now: () => number;
  /** In the order in which they were sent last. */
  readonly #sent = new Map<string, { bytes: Buffer; sentAtMs: number }>();

  /** `now` is in milliseconds, by any clock. */
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

  /** Of equal length, so that a message around it stays readable. The same bytes where there is nothing to hide. */
  hideIn(bytes: Buffer): Buffer {
    let masked = bytes;
    for (const { bytes: token } of this.#sent.values()) {
      // In the bytes as they came: of two tokens that overlap, the mask of one must not hide the other from the search.
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
