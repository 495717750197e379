/**
 * At most so many calls at once, and so many begun in a second, in the order in which they were asked for. A poll whose
 * activity ends in the queue, after half a minute, asks anew.
 */
export class Limiter {
  readonly #maximumConcurrent: number;
  readonly #spacingMs: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  /** When the next call may begin, by a monotonic clock. */
  #nextAt = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `maximumPerSecond` may be a fraction: 2,500 an hour are 0.694 a second. */
  constructor(maximumConcurrent: number, maximumPerSecond = Infinity) {
    this.#maximumConcurrent = maximumConcurrent;
    this.#spacingMs = 1000 / maximumPerSecond;
  }

  /** Runs `call` when its turn comes; rejects at once when `signal` aborts before that. */
  async run<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#turn(signal);
    try {
      return await call();
    } finally {
      this.#running--;
      this.#next();
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(abandoned());
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        reject(abandoned());
      };
      this.#waiting.push(begin);
      signal?.addEventListener('abort', leave, { once: true });
      this.#next();
    });
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.#running < this.#maximumConcurrent) {
      const now = performance.now();
      if (now < this.#nextAt) {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#next();
        }, this.#nextAt - now);
        return;
      }
      this.#nextAt = Math.max(this.#nextAt, now) + this.#spacingMs;
      this.#running++;
      this.#waiting.shift()?.();
    }
  }
}

function abandoned(): Error {
  return new Error('The call was abandoned before its turn came');
}
