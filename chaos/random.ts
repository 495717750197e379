/** A seeded random number generator: the same seed gives the same numbers. */
export class Random {
  #state: number;

  /** `stream` separates the draws for different purposes, so that extra draws for one do not change the others. */
  constructor(
    readonly seed: number,
    stream = '',
  ) {
    this.#state = [...`${seed}/${stream}`].reduce((hash, char) => Math.imul(hash ^ char.charCodeAt(0), 16777619), -1);
  }

  /** In [0, 1): mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number in [low, high). */
  between(low: number, high: number): number {
    return Math.floor(low + this.next() * (high - low));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<const T>(from: readonly [T, ...T[]]): T {
    return from[this.between(0, from.length)] ?? from[0];
  }

  shuffled<T>(given: readonly T[]): T[] {
    const order = given.map((value) => ({ value, rank: this.next() }));
    return order.sort((a, b) => a.rank - b.rank).map(({ value }) => value);
  }
}
