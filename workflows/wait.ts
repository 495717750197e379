import { allHandlersFinished, CancellationScope, condition, sleep } from '@temporalio/workflow';
import type { ResolvedWaitOptions } from '../src/model/options';
import { endedFailure } from '../src/model/failure';
import { type EndedOperation, endsWait, isDone, type OperationSnapshot } from '../src/model/snapshot';
import { deadlineSummary, type TimedOut } from '../src/model/texts';
import { cancelAndConfirm, onEnd, requestCancel, type ConfirmedCancel } from './cancel';
import {
  cancelledFailure,
  lastSeen,
  notInTime,
  notPolledFailure,
  stillRunningFailure,
  timedOutFailure,
} from './failures';
import { countWait } from './metrics';
import {
  HistoryTooLong,
  historyTooLong,
  lastLook,
  pollOnce,
  pollUntilDone,
  schedulePoll,
  type LongHistory,
} from './poll';
import type { WaitState } from './state';
import type { Target } from './target';

type Succeeded = OperationSnapshot & { state: 'succeeded' };

/** How long a single look may take, retries included. */
const LOOK_MS = 10_000;

/** The number of waits in this workflow run. */
let waits = 0;

/** One wait for one operation. */
export class OperationWait {
  #seenEnded: (operation: EndedOperation) => void = () => undefined;
  readonly #endedElsewhere = new Promise<EndedOperation>((resolve) => (this.#seenEnded = resolve));
  #look: Promise<OperationSnapshot> | undefined;
  #lookedAtMs: number | undefined;
  #isHinted = false;
  /** The wait has ended, so pending hints must not delay the end of the run. */
  #isOver = false;

  readonly target: Target;

  constructor(
    target: Target,
    readonly options: ResolvedWaitOptions,
    readonly state: WaitState,
    readonly longHistory: LongHistory,
  ) {
    this.target = { ...target, waitNumber: ++waits };
  }

  /**
   * Waits until the operation is done and returns it, or throws the failure of its end. Belongs to the scope in which
   * it is called, and watches the scope's `cancelRequested`. Reacting to the rejection of a cancelled activity instead
   * could send commands after the one that closes the workflow, and hang the workflow.
   */
  run(): Promise<Succeeded> {
    const caller = CancellationScope.current();
    // The reply to the start may show a done operation: then there is nothing to wait for or to cancel.
    const { operation } = this.state;
    if (operation && isDone(operation)) return new Promise((resolve) => resolve(this.#ended(operation, caller)));
    if (caller.consideredCancelled && !operation) {
      return Promise.reject(cancelledFailure(this.target, 'is left alone: the wait had not begun', this.state));
    }
    // We must cancel an operation that we started, even if the cancellation came between start and wait.
    const result = CancellationScope.nonCancellable(() =>
      caller.consideredCancelled ? this.#cancelled(() => undefined) : this.#race(caller),
    );
    countWait(this.state, result);
    return result;
  }

  /**
   * Polls now, beside the wait, and ends the wait if the operation is done. Polls at most once per initial interval.
   */
  async lookNow(): Promise<OperationSnapshot> {
    const { operation, lastPolledAtMs } = this.state;
    if (operation && (isDone(operation) || this.#restMs(lastPolledAtMs) > 0)) return operation;
    this.#look ??= this.#lookOnce().finally(() => (this.#look = undefined));
    return this.#look;
  }

  /** As {@link lookNow}, but postpones the poll after a recent one instead of skipping it. */
  async lookSoon(): Promise<void> {
    if (this.#isHinted) return;
    this.#isHinted = true;
    const restMs = this.#restMs(this.#lookedAtMs, this.state.lastPolledAtMs);
    try {
      const isOver = restMs > 0 && (await condition(() => this.#isOver, restMs));
      if (!isOver) await this.lookNow();
      // If the run continues as new, the next run polls at once; otherwise this has no effect.
      else this.state.nextPollAtMs = Date.now();
    } finally {
      this.#isHinted = false;
    }
  }

  /** The rest of the initial interval since the latest of the given times. */
  #restMs(...timesMs: (number | undefined)[]): number {
    const latestMs = Math.max(...timesMs.map((atMs) => atMs ?? -Infinity));
    return Math.max(0, latestMs + this.options.schedule.initialIntervalMs - Date.now());
  }

  async #lookOnce(): Promise<OperationSnapshot> {
    const { target, state, options } = this;
    const restMs = this.#restMs(this.#lookedAtMs);
    if (restMs > 0) await sleep(restMs);
    this.#lookedAtMs = Date.now();
    const operation = await CancellationScope.nonCancellable(() => pollOnce(target, state, LOOK_MS).catch(notInTime));
    if (!operation) throw notPolledFailure(target, LOOK_MS);
    if (endsWait(operation, options.onRollback)) this.#seenEnded(operation);
    else schedulePoll(state, options.schedule);
    return operation;
  }

  async #race(caller: CancellationScope): Promise<Succeeded> {
    const { options } = this;
    const polling = new CancellationScope();
    const racers: Promise<EndedOperation | 'cancelled' | 'timedOut'>[] = [
      polling.run(() => pollUntilDone(this.target, options, this.state, this.longHistory)),
      this.#endedElsewhere,
      cancellationOf(caller),
    ];
    if (this.longHistory === 'continueAsNew') racers.push(polling.run(() => this.#historyTooLong()));
    if (options.timeoutMs !== undefined) racers.push(polling.run(() => this.#deadline(options.timeoutMs ?? 0)));
    // Cancelling the polling rejects the losers of the race, which have no other handler.
    for (const racer of racers) racer.catch(() => undefined);
    const forget = onEnd(this.target, (operation) => this.#seenEnded(operation));
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
    if (first === 'cancelled') return this.#cancelled(stopPolling);
    if (first === 'timedOut') return this.#timedOut(caller, stopPolling);
    stopPolling();
    return this.#ended(first, caller);
  }

  /** Throws HistoryTooLong, upon which the run continues as new, when its history is long and no handler is running. */
  async #historyTooLong(): Promise<never> {
    await historyTooLong(this.state);
    this.#isOver = true;
    await condition(allHandlersFinished);
    throw new HistoryTooLong();
  }

  async #deadline(timeoutMs: number): Promise<'timedOut'> {
    const { state, target } = this;
    await sleep(Math.max(1, state.startedAtMs + timeoutMs - Date.now()), {
      summary: deadlineSummary(target.operationId),
    });
    return 'timedOut';
  }

  /** Handles the caller's cancellation: cancels the operation as `cancellationType` says, and reports the outcome. */
  async #cancelled(stopPolling: () => void): Promise<Succeeded> {
    const { target, options, state } = this;
    switch (options.cancellationType) {
      case 'ABANDON':
        stopPolling();
        throw cancelledFailure(target, 'goes on in the cloud', state);
      case 'TRY_CANCEL':
        await requestCancel(target, state, options.cancelTimeoutMs, stopPolling);
        throw cancelledFailure(target, 'was asked to cancel', state);
      case 'WAIT_CANCELLATION_COMPLETED':
        return this.#confirmed(await cancelAndConfirm(target, options, state, stopPolling));
    }
  }

  /** The result for a cancelled caller. */
  #confirmed(cancel: ConfirmedCancel): Succeeded {
    const { target, options, state } = this;
    switch (cancel.outcome) {
      case 'completed':
        return cancel.operation;
      case 'cancelled':
        throw cancelledFailure(target, 'was cancelled in the cloud', state);
      case 'failed':
        throw endedFailure(cancel.operation, lastSeen(state));
      case 'unsupported':
      case 'unconfirmed':
        throw stillRunningFailure(cancel, options.cancelTimeoutMs, state);
    }
  }

  async #timedOut(caller: CancellationScope, stopPolling: () => void): Promise<Succeeded> {
    const { target, options, state } = this;
    const outcome: TimedOut = {};
    if (options.onTimeout === 'cancel') {
      const cancel = await cancelAndConfirm(target, options, state, stopPolling);
      outcome.cancel = cancel;
      // The caller was cancelled in the meantime: the cancellation is already done.
      if (caller.consideredCancelled) return this.#confirmed(cancel);
      if (cancel.outcome === 'completed' || cancel.outcome === 'failed') return this.#ended(cancel.operation, caller);
    } else {
      stopPolling();
      // The operation may have ended since the last poll, and the failure should report its current state.
      const { operation, problem } = await lastLook(target, state);
      if (problem !== undefined) outcome.lastLook = problem;
      if (operation && isDone(operation)) return this.#ended(operation, caller);
      if (caller.consideredCancelled) return this.#cancelled(() => undefined);
    }
    throw timedOutFailure(target, options.timeoutMs ?? 0, state, outcome);
  }

  #ended(operation: EndedOperation, caller: CancellationScope): Succeeded {
    if (operation.state === 'succeeded') return operation;
    // A cancelled caller wants this end, whoever cancelled the operation.
    if (operation.state === 'failed' && operation.error.codeName === 'CANCELLED' && caller.consideredCancelled) {
      throw cancelledFailure(this.target, 'was cancelled in the cloud', this.state);
    }
    throw endedFailure(operation, lastSeen(this.state));
  }
}

/**
 * Resolves when the scope is cancelled. Never for a non-cancellable scope: its `cancelRequested` reports the parent's
 * cancellation, from which the scope is shielded.
 */
export function cancellationOf(scope: CancellationScope): Promise<'cancelled'> {
  return scope.cancellable ? scope.cancelRequested.catch(() => 'cancelled' as const) : new Promise(() => undefined);
}
