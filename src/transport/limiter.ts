/** What a turn is for, by priority: cancellations are few, and they end operations that cost money. */
const PURPOSES = ['cancel', 'start', 'poll'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** After this many turns of other purposes, the longest-waiting call of a purpose goes first, so that none starves. */
const MAXIMUM_PASSED_OVER = 4;

export interface TurnOptions {
  /** @default 'poll' */
  purpose?: Purpose;
  /** Aborts waiting for the turn. Has no effect once the turn has begun. */
  signal?: AbortSignal | undefined;
}

/**
 * Limits calls: grants at most `maximumConcurrent` turns at once, and at most `maximumPerSecond` calls. Turns for the
 * same purpose are first in, first out.
 */
export class Limiter {
  readonly #maximumConcurrent: number;
  readonly #spacingMs: number;
  readonly #lines = PURPOSES.map(() => new Line());
  #running = 0;
  /** When the next turn may begin, on a monotonic clock. */
  #nextAt = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `maximumPerSecond` may be a fraction: 2,500 per hour is 0.694 per second. */
  constructor(maximumConcurrent: number, maximumPerSecond = Infinity) {
    this.#maximumConcurrent = maximumConcurrent;
    this.#spacingMs = 1000 / maximumPerSecond;
  }

  /**
   * Runs `calls` when its turn comes; rejects at once if `signal` aborts before that. A turn counts as one call:
   * `calls` must call `another` before each further call, which delays the next turn.
   */
  async run<T>(calls: (another: () => void) => Promise<T>, options: TurnOptions = {}): Promise<T> {
    if (options.signal?.aborted || !this.#begins()) await this.#turn(options);
    try {
      return await calls(() => this.#countCall());
    } finally {
      this.#running--;
      this.#next();
    }
  }

  /** Begins a turn at once, if no other call waits and the limits allow it. */
  #begins(): boolean {
    if (this.#running >= this.#maximumConcurrent || this.#nextAt > performance.now()) return false;
    if (this.#lines.some(({ size }) => size > 0)) return false;
    this.#countCall();
    this.#running++;
    return true;
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

/** The queue of one purpose. Joining and leaving take constant time. */
class Line {
  /** How many turns went to other purposes since this queue's last turn, while a call waited in it. */
  passedOver = 0;
  readonly #waiting = new Set<() => void>();
  /** A single iterator, kept: a new one would step over all entries that have left the set. */
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
      // An iterator that has once found nothing stays exhausted.
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
