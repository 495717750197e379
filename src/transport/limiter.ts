/** What a turn is for. The first of these that waits goes first: cancellations are few, and what they end costs money. */
const PURPOSES = ['cancel', 'start', 'poll'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** After this many turns of others, whoever waits longest for a purpose goes first: none of them waits forever. */
const MAXIMUM_PASSED_OVER = 4;

export interface TurnOptions {
  /** @default 'poll' */
  purpose?: Purpose;
  /** Ends the wait for the turn. What the turn does is not affected. */
  signal?: AbortSignal | undefined;
}

/**
 * Gives turns to make calls: at most so many turns at once, and so many calls begun in a second. Turns for one purpose
 * come in the order in which they were asked for.
 */
export class Limiter {
  readonly #maximumConcurrent: number;
  readonly #spacingMs: number;
  readonly #lines = PURPOSES.map(() => new Line());
  #running = 0;
  /** When the next turn may begin, by a monotonic clock. */
  #nextAt = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `maximumPerSecond` may be a fraction: 2,500 an hour are 0.694 a second. */
  constructor(maximumConcurrent: number, maximumPerSecond = Infinity) {
    this.#maximumConcurrent = maximumConcurrent;
    this.#spacingMs = 1000 / maximumPerSecond;
  }

  /**
   * Runs `calls` when its turn comes; rejects at once when `signal` aborts before that. The turn is for one call: before
   * each further one `calls` calls `another`, which lets the next turn begin later.
   */
  async run<T>(calls: (another: () => void) => Promise<T>, options: TurnOptions = {}): Promise<T> {
    await this.#turn(options);
    try {
      return await calls(() => this.#countCall());
    } finally {
      this.#running--;
      this.#next();
    }
  }

  #turn({ purpose = 'poll', signal }: TurnOptions): Promise<void> {
    if (signal?.aborted) return Promise.reject(abandoned());
    const line = this.#lines[PURPOSES.indexOf(purpose)];
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        line?.leave(begin);
        reject(abandoned());
      };
      line?.join(begin);
      signal?.addEventListener('abort', leave, { once: true });
      this.#next();
    });
  }

  #next(): void {
    while (this.#running < this.#maximumConcurrent) {
      const waiting = this.#lines.filter(({ size }) => size > 0);
      const line = waiting.find(({ passedOver }) => passedOver >= MAXIMUM_PASSED_OVER) ?? waiting[0];
      if (!line) return;
      const restMs = this.#nextAt - performance.now();
      if (restMs > 0) {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#next();
        }, restMs);
        return;
      }
      for (const other of waiting) other.passedOver++;
      this.#countCall();
      this.#running++;
      line.beginFirst();
    }
  }

  #countCall(): void {
    this.#nextAt = Math.max(this.#nextAt, performance.now()) + this.#spacingMs;
  }
}

/** Those who wait for one purpose. Leaving costs no more than joining, however many there are. */
class Line {
  /** How many turns have gone to others since the last one of this line, while somebody waited in it. */
  passedOver = 0;
  readonly #waiting = new Set<() => void>();
  /** One for all of them: a new one would pass by all that have left the set. */
  #order = this.#waiting.values();

  get size(): number {
    return this.#waiting.size;
  }

  join(begin: () => void): void {
    if (this.size === 0) this.passedOver = 0;
    this.#waiting.add(begin);
  }

  leave(begin: () => void): void {
    this.#waiting.delete(begin);
  }

  beginFirst(): void {
    this.passedOver = 0;
    let first = this.#order.next();
    if (first.done) {
      // It has ended for good where it once found nobody.
      this.#order = this.#waiting.values();
      first = this.#order.next();
    }
    if (first.done) return;
    this.#waiting.delete(first.value);
    first.value();
  }
}

function abandoned(): Error {
  return new Error(
    'The call was abandoned before its turn came: maxConcurrentRequests or maxRequestsPerSecond held it back',
  );
}
