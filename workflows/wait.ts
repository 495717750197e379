import { allHandlersFinished, CancellationScope, condition, sleep } from '@temporalio/workflow';
import type { ResolvedWaitOptions } from '../src/model/options';
import { HistoryTooLong, historyTooLong, pollUntilEnd, schedulePoll, type LongHistory, type Poller } from './polling';

/** How long a single look may take, retries included. */
export const LOOK_MS = 10_000;

/** The number of waits in this workflow run. */
let waits = 0;

/** The number of the next wait, by which a worker finds its watch. */
export function nextWaitNumber(): number {
  return ++waits;
}

/** What a wait is told before its end. */
export type Interrupted = 'cancelled' | 'timedOut';

/** One wait, whatever it waits for. `E` is what its polls show at its end, `L` what a look shows, `R` its result. */
export abstract class Wait<E extends object, L, R> {
  #seenEnded: (end: E) => void = () => undefined;
  readonly #endedElsewhere = new Promise<E>((resolve) => (this.#seenEnded = resolve));
  #look: Promise<L> | undefined;
  #lookedAtMs: number | undefined;
  #isHinted = false;
  /** The wait has ended, so pending hints must not delay the end of the run. */
  #isOver = false;

  constructor(
    readonly options: ResolvedWaitOptions,
    readonly longHistory: LongHistory,
  ) {}

  protected abstract readonly poller: Poller<E>;
  protected abstract readonly deadlineSummary: string;
  /** What a look returns without a poll, since the last one is recent or the end is known. */
  protected abstract lastLook(isRecent: boolean): L | undefined;
  /** Polls once, beside the wait. */
  protected abstract pollBeside(): Promise<{ ended?: E; shown: L }>;
  /** The result of an end. Throws the failure. */
  protected abstract end(ended: E, caller: CancellationScope): R;
  /** Ends the wait before the polls do, and must call `stopPolling`. */
  protected abstract interrupted(by: Interrupted, caller: CancellationScope, stopPolling: () => void): Promise<R>;
  /** Calls `tell` when something else in this workflow sees the end. Returns a function that stops this. */
  protected onEnd(_tell: (end: E) => void): () => void {
    return () => undefined;
  }

  /**
   * Polls now, beside the wait, and ends the wait if its end is seen. Polls at most once per initial interval.
   */
  async lookNow(): Promise<L> {
    const last = this.lastLook(this.#restMs(this.poller.state.lastPolledAtMs) > 0);
    if (last !== undefined) return last;
    this.#look ??= this.#lookOnce().finally(() => (this.#look = undefined));
    return this.#look;
  }

  /** As {@link lookNow}, but postpones the poll after a recent one instead of skipping it. */
  async lookSoon(): Promise<void> {
    if (this.#isHinted) return;
    this.#isHinted = true;
    const { state } = this.poller;
    const restMs = this.#restMs(this.#lookedAtMs, state.lastPolledAtMs);
    try {
      const isOver = restMs > 0 && (await condition(() => this.#isOver, restMs));
      if (!isOver) await this.lookNow();
      // If the run continues as new, the next run polls at once; otherwise this has no effect.
      else state.nextPollAtMs = Date.now();
    } finally {
      this.#isHinted = false;
    }
  }

  /** The rest of the initial interval since the latest of the given times. */
  #restMs(...timesMs: (number | undefined)[]): number {
    const latestMs = Math.max(...timesMs.map((atMs) => atMs ?? -Infinity));
    return Math.max(0, latestMs + this.options.schedule.initialIntervalMs - Date.now());
  }

  /** Ends the wait, whose end something else has seen. */
  protected seeEnd(end: E): void {
    this.#seenEnded(end);
  }

  async #lookOnce(): Promise<L> {
    const restMs = this.#restMs(this.#lookedAtMs);
    if (restMs > 0) await sleep(restMs);
    this.#lookedAtMs = Date.now();
    const { ended, shown } = await CancellationScope.nonCancellable(() => this.pollBeside());
    if (ended) this.#seenEnded(ended);
    else schedulePoll(this.poller.state, this.options.schedule);
    return shown;
  }

  /** Polls until the end, the caller's cancellation or the timeout. */
  protected async race(caller: CancellationScope): Promise<R> {
    const { options } = this;
    const polling = new CancellationScope();
    const racers: Promise<E | Interrupted>[] = [
      polling.run(() => pollUntilEnd(this.poller, options, this.longHistory)),
      this.#endedElsewhere,
      cancellationOf(caller),
    ];
    if (this.longHistory === 'continueAsNew') racers.push(polling.run(() => this.#historyTooLong()));
    if (options.timeoutMs !== undefined) racers.push(polling.run(() => this.#deadline(options.timeoutMs ?? 0)));
    // Cancelling the polling rejects the losers of the race, which have no other handler.
    for (const racer of racers) racer.catch(() => undefined);
    const forget = this.onEnd(this.#seenEnded);
    const stopPolling = (): void => polling.cancel();
    const first = await Promise.race(racers)
      .catch((err: unknown) => {
        // When a wait fails, its deadline timer and its poll must stop too.
        stopPolling();
        throw err;
      })
      .finally(() => {
        forget();
        this.#isOver = true;
      });
    if (typeof first === 'string') return this.interrupted(first, caller, stopPolling);
    stopPolling();
    return this.end(first, caller);
  }

  /** Throws HistoryTooLong, upon which the run continues as new, when its history is long and no handler is running. */
  async #historyTooLong(): Promise<never> {
    await historyTooLong(this.poller.state);
    this.#isOver = true;
    await condition(allHandlersFinished);
    throw new HistoryTooLong();
  }

  async #deadline(timeoutMs: number): Promise<'timedOut'> {
    const { startedAtMs } = this.poller.state;
    await sleep(Math.max(1, startedAtMs + timeoutMs - Date.now()), { summary: this.deadlineSummary });
    return 'timedOut';
  }
}

/**
 * Resolves when the scope is cancelled. Never for a non-cancellable scope: its `cancelRequested` reports the parent's
 * cancellation, from which the scope is shielded.
 */
export function cancellationOf(scope: CancellationScope): Promise<'cancelled'> {
  return scope.cancellable ? scope.cancelRequested.catch(() => 'cancelled' as const) : new Promise(() => undefined);
}
