import { CancellationScope } from '@temporalio/workflow';
import { endedFailure } from '../src/model/failure';
import type { ResolvedWaitOptions } from '../src/model/options';
import { endsWait, isDone, type EndedOperation, type OperationSnapshot } from '../src/model/snapshot';
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
import { lastLook, operationPoller, pollOnce } from './poll';
import type { LongHistory, Poller } from './polling';
import type { WaitState } from './state';
import type { Target } from './target';
import { LOOK_MS, nextWaitNumber, Wait, type Interrupted } from './wait';

type Succeeded = OperationSnapshot & { state: 'succeeded' };

/** One wait for one operation. */
export class OperationWait extends Wait<EndedOperation, OperationSnapshot, Succeeded> {
  readonly target: Target;
  protected readonly poller: Poller<EndedOperation>;
  protected readonly deadlineSummary: string;

  constructor(
    target: Target,
    options: ResolvedWaitOptions,
    readonly state: WaitState,
    longHistory: LongHistory,
  ) {
    super(options, longHistory);
    this.target = { ...target, waitNumber: nextWaitNumber() };
    this.poller = operationPoller(this.target, state, options.onRollback);
    this.deadlineSummary = deadlineSummary(target.operationId);
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
    if (operation && isDone(operation)) return new Promise((resolve) => resolve(this.end(operation, caller)));
    if (caller.consideredCancelled && !operation) {
      return Promise.reject(cancelledFailure(this.target, 'is left alone: the wait had not begun', this.state));
    }
    // We must cancel an operation that we started, even if the cancellation came between start and wait.
    const result = CancellationScope.nonCancellable(() =>
      caller.consideredCancelled ? this.#cancelled(() => undefined) : this.race(caller),
    );
    countWait(this.state, result);
    return result;
  }

  protected lastLook(isRecent: boolean): OperationSnapshot | undefined {
    const { operation } = this.state;
    return operation && (isDone(operation) || isRecent) ? operation : undefined;
  }

  protected async pollBeside(): Promise<{ ended?: EndedOperation; shown: OperationSnapshot }> {
    const { target, state, options } = this;
    const shown = await pollOnce(target, state, LOOK_MS).catch(notInTime);
    if (!shown) throw notPolledFailure(target, LOOK_MS);
    return endsWait(shown, options.onRollback) ? { ended: shown, shown } : { shown };
  }

  protected override onEnd(tell: (operation: EndedOperation) => void): () => void {
    return onEnd(this.target, tell);
  }

  protected interrupted(by: Interrupted, caller: CancellationScope, stopPolling: () => void): Promise<Succeeded> {
    return by === 'cancelled' ? this.#cancelled(stopPolling) : this.#timedOut(caller, stopPolling);
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
      if (cancel.outcome === 'completed' || cancel.outcome === 'failed') return this.end(cancel.operation, caller);
    } else {
      stopPolling();
      // The operation may have ended since the last poll, and the failure should report its current state.
      const { operation, problem } = await lastLook(target, state);
      if (problem !== undefined) outcome.lastLook = problem;
      if (operation && isDone(operation)) return this.end(operation, caller);
      if (caller.consideredCancelled) return this.#cancelled(() => undefined);
    }
    throw timedOutFailure(target, options.timeoutMs ?? 0, state, outcome);
  }

  protected end(operation: EndedOperation, caller: CancellationScope): Succeeded {
    if (operation.state === 'succeeded') return operation;
    // A cancelled caller wants this end, whoever cancelled the operation.
    if (operation.state === 'failed' && operation.error.codeName === 'CANCELLED' && caller.consideredCancelled) {
      throw cancelledFailure(this.target, 'was cancelled in the cloud', this.state);
    }
    throw endedFailure(operation, lastSeen(this.state));
  }
}
