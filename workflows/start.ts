import type { StartInput, StartResult } from '../src/model/contract';
import { ActivityFailure, CancelledFailure, type ApplicationFailure } from '@temporalio/common';
import { CancellationScope, getRandomStream, sleep } from '@temporalio/workflow';
import { isRetryable } from '../src/model/error-table';
import { operationFailure, toApplicationFailure, type OperationFailure } from '../src/model/failure';
import { JITTER_STREAM, KEY_STREAM } from '../src/model/names';
import {
  checkCloudName,
  checkRequestJson,
  type ResolvedStartOptions,
  type ResolvedWaitOptions,
} from '../src/model/options';
import { isNil } from '../src/model/check';
import { nextInterval, START_SCHEDULE } from '../src/model/schedule';
import { isDone, type OperationSnapshot, type OperationStatus } from '../src/model/snapshot';
import { refusesAlways } from '../src/model/start-verdict';
import {
  conflictSummary,
  perhapsBegunText,
  retrySummary,
  startCancelledText,
  startSummary,
} from '../src/model/start-texts';
import { startOperation } from './activities';
import { cancelAndConfirm, requestCancel } from './cancel';
import {
  attemptStatus,
  busyStatus,
  notStartedFailure,
  refusalOf,
  stillRunningFailure,
  type AnsweredStart,
} from './failures';
import { pollUntil } from './poll';
import { mustRetry } from './polling';
import { beginWait, type WaitState } from './state';
import { checkMethod, checkTaskQueue, type Target } from './target';
import { cancellationOf } from './wait';

/** The input of a start's attempts, and the task queue on which they run. */
interface StartRequest {
  input: StartInput;
  taskQueue?: string;
}

/** Checks a caller's input, and draws an idempotency key if none is given. Throws an OptionError for invalid input. */
export function resolveStart(
  cloud: unknown,
  method: unknown,
  request: unknown,
  taskQueue: unknown,
  { idempotencyKey }: ResolvedStartOptions,
): StartRequest {
  return {
    input: {
      cloud: checkCloudName(cloud),
      method: checkMethod(method),
      request: checkRequestJson(request),
      idempotencyKey: idempotencyKey ?? getRandomStream(KEY_STREAM).uuid4(),
      typed: typeof method === 'object',
    },
    ...(isNil(taskQueue) ? {} : { taskQueue: checkTaskQueue(taskQueue) }),
  };
}

function targetOf({ input: { cloud, method }, taskQueue }: StartRequest, { id, resourceId }: Started): Target {
  return {
    cloud,
    operationId: id,
    service: method,
    ...(resourceId !== undefined && { resourceId }),
    ...(taskQueue === undefined ? {} : { taskQueue }),
  };
}

type Started = Pick<OperationSnapshot, 'id' | 'resourceId'>;

/** One start of one operation. */
export class OperationStart {
  /**
   * Whether an attempt, or the operation it began, is in progress: a cancellation may arrive in one task with the
   * reply.
   */
  #isUnderWay = false;
  /** Whether an attempt may have begun the operation unseen: a refusal of a later attempt need not disprove it. */
  #outcomeUnknown = false;
  /** Conflicting operations that the cloud named but then did not find. */
  readonly #unseen = new Set<string>();
  /** The last error. */
  #last: OperationStatus | undefined;
  #timers = 0;
  readonly #startedAtMs = Date.now();
  readonly #untilMs: number;

  constructor(
    readonly start: StartRequest,
    readonly options: ResolvedStartOptions,
    readonly waitOptions: ResolvedWaitOptions,
  ) {
    this.#untilMs = this.#startedAtMs + options.startTimeoutMs;
  }

  /**
   * Starts the operation and returns it as in the cloud's reply. Belongs to the scope in which it is called: if the
   * scope is cancelled before the reply, the start finds out whether the operation exists, and cancels it.
   */
  run(): Promise<OperationSnapshot> {
    const caller = CancellationScope.current();
    if (caller.consideredCancelled) return Promise.reject(new CancelledFailure('Cancelled before the start'));
    return CancellationScope.nonCancellable(() => this.#race(caller));
  }

  async #race(caller: CancellationScope): Promise<OperationSnapshot> {
    const attempts = new CancellationScope();
    const started = attempts.run(() => this.#untilStarted());
    started.catch(() => undefined);
    const first = await Promise.race([started, cancellationOf(caller)]);
    if (first !== 'cancelled' && !caller.consideredCancelled) return first;
    attempts.cancel();
    const { cloud, method } = this.start.input;
    if (this.waitOptions.cancellationType === 'ABANDON') {
      throw new CancelledFailure(startCancelledText(cloud, method, 'what the cloud has begun goes on'));
    }
    // Do not await the rejection of the cancelled scope: see OperationWait.run.
    if (first === 'cancelled' && !this.#isUnderWay && !this.#outcomeUnknown) {
      throw new CancelledFailure(startCancelledText(cloud, method, 'nothing was begun'));
    }
    return this.#cancelled(started);
  }

  async #untilStarted(): Promise<OperationSnapshot> {
    const { input } = this.start;
    for (;;) {
      const result = await this.#attempt(this.#untilMs);
      if (!result) continue;
      switch (result.outcome) {
        case 'started':
          return result.operation;
        case 'busy':
          await this.#backOff(result.refused, this.#untilMs, result.delayMs);
          break;
        case 'conflict': {
          const { conflictingOperationId, refused } = result;
          const waited = await this.#waitFor(conflictingOperationId);
          // The conflicting operation is done or not visible: the cloud needs a moment to release the resource.
          if (!waited) await this.#backOff(refused, this.#untilMs);
        }
      }
      if (Date.now() >= this.#untilMs) {
        throw notStartedFailure(input, this.options.startTimeoutMs, this.#last, this.#outcomeUnknown);
      }
    }
  }

  /** Makes one attempt. Resolves to undefined if its outcome is unknown. Throws an error that ends the start. */
  async #attempt(untilMs: number): Promise<StartResult | undefined> {
    const { input, taskQueue } = this.start;
    const scheduleToCloseTimeoutMs = Math.max(1, untilMs - Date.now());
    const limits = { summary: startSummary(input.method, input.request), scheduleToCloseTimeoutMs };
    const retryBusy = mustRetry({ timers: this.#timers });
    const once = !this.#outcomeUnknown && !retryBusy;
    this.#isUnderWay = true;
    try {
      const doubt = { ...(retryBusy && { retryBusy }), ...(this.#outcomeUnknown && { mayHaveStarted: true }) };
      const result = await startOperation({ ...input, ...doubt }, taskQueue, once, limits);
      this.#isUnderWay = result.outcome === 'started';
      if (result.outcome === 'started') this.#outcomeUnknown = false;
      else this.#last = result.refused;
      return result;
    } catch (err) {
      this.#isUnderWay = false;
      if (!(err instanceof ActivityFailure)) throw err;
      const failure = operationFailure(err);
      if (failure) throw this.#refused(failure, refusalOf(err)) ?? err;
      if (err.cause instanceof CancelledFailure) throw err;
      const busy = busyStatus(err);
      this.#outcomeUnknown ||= busy?.outcomeUnknown ?? true;
      this.#last = busy?.refused ?? attemptStatus(err) ?? this.#last;
      if (once && Date.now() < untilMs) return undefined;
      throw notStartedFailure(input, untilMs - this.#startedAtMs, this.#last, this.#outcomeUnknown);
    }
  }

  /** The failure to throw for a refused attempt; undefined to rethrow the attempt's own failure. */
  #refused(failure: OperationFailure, { wasSent, outcomeUnknown }: AnsweredStart): ApplicationFailure | undefined {
    if (outcomeUnknown) {
      this.#outcomeUnknown = true;
      return toApplicationFailure(failure);
    }
    const isAnswer = failure.type === 'OperationServiceError';
    // An unreadable operation has begun, and its failure describes it.
    const isKnown = isAnswer ? wasSent && refusesAlways(failure.codeName) : isBegun(failure);
    if (isKnown) this.#outcomeUnknown = false;
    if (this.#outcomeUnknown) {
      return toApplicationFailure({
        ...failure,
        message: perhapsBegunText(failure.message, this.start.input.idempotencyKey),
      });
    }
    return isAnswer ? toApplicationFailure(failure, !isRetryable(failure.codeName)) : undefined;
  }

  #backOff(refused: OperationStatus, untilMs: number, askedMs = 0): Promise<void> {
    const ageMs = Date.now() - this.#startedAtMs;
    const intervalMs = nextInterval(START_SCHEDULE, ageMs, getRandomStream(JITTER_STREAM).random(), askedMs);
    const leftMs = Math.max(1, untilMs - Date.now());
    this.#timers++;
    return sleep(Math.min(intervalMs, leftMs), { summary: retrySummary(this.start.input.method, refused, intervalMs) });
  }

  /** Waits for a conflicting operation. Resolves to false if there was nothing to wait for. */
  async #waitFor(operationId: string): Promise<boolean> {
    if (this.#unseen.has(operationId)) return false;
    const state = beginWait();
    // Another method of the same service may have started it.
    const service = this.start.input.method.replace(/^\/|\/\w+$/g, '');
    const target = { ...targetOf(this.start, { id: operationId }), service };
    const summary = (poll: number): string => conflictSummary(operationId, poll);
    try {
      const ended = await pollUntil(target, this.waitOptions, state, this.#untilMs, summary);
      return ended !== undefined && Date.now() > state.startedAtMs + 1_000;
    } catch (err) {
      const failure = operationFailure(err);
      if (!failure) throw err;
      if (failure.type === 'OperationNotFound') this.#unseen.add(operationId);
      return false;
    }
  }

  /** Ends a start whose caller was cancelled before the cloud's reply. */
  async #cancelled(started: Promise<OperationSnapshot>): Promise<OperationSnapshot> {
    const { input } = this.start;
    const operation = await started.catch((err: unknown) => this.#findStarted(err));
    const { cloud, method } = input;
    if (!operation) throw new CancelledFailure(startCancelledText(cloud, method, 'nothing was begun'));
    if (isDone(operation)) return operation;
    const target = targetOf(this.start, operation);
    const state: WaitState = { ...beginWait(), operation };
    const { cancelTimeoutMs, cancellationType } = this.waitOptions;
    if (cancellationType === 'TRY_CANCEL') {
      await requestCancel(target, state, cancelTimeoutMs, () => undefined);
      throw new CancelledFailure(startCancelledText(cloud, method, `${operation.id} was asked to cancel`));
    }
    const cancel = await cancelAndConfirm(target, this.waitOptions, state);
    switch (cancel.outcome) {
      case 'completed':
      case 'failed':
        return cancel.operation;
      case 'cancelled':
        throw new CancelledFailure(startCancelledText(cloud, method, `${operation.id} was cancelled in the cloud`));
      case 'unsupported':
      case 'unconfirmed':
        throw stillRunningFailure(cancel, cancelTimeoutMs, state);
    }
  }

  /**
   * Finds the operation of an attempt with an unknown outcome by repeating the start with its key. Resolves to
   * undefined if there is none.
   */
  async #findStarted(err: unknown): Promise<OperationSnapshot | undefined> {
    if (!this.#outcomeUnknown) return nothingBegun(err);
    const { cancelTimeoutMs } = this.waitOptions;
    const untilMs = Date.now() + cancelTimeoutMs;
    try {
      for (;;) {
        const result = await this.#attempt(untilMs);
        if (result?.outcome === 'started') return result.operation;
        if (result) await this.#backOff(result.refused, untilMs, result.outcome === 'busy' ? result.delayMs : 0);
        if (Date.now() >= untilMs) throw notStartedFailure(this.start.input, cancelTimeoutMs, this.#last, true);
      }
    } catch (again) {
      if (this.#outcomeUnknown) throw again;
      return nothingBegun(again);
    }
  }
}

/** Whether the failure of an attempt proves that the operation has begun. */
function isBegun({ type }: OperationFailure): boolean {
  return type === 'OperationUnreadable';
}

/** Accepts errors that prove that nothing was begun, as a cancelled caller wants. Rethrows any other error. */
function nothingBegun(err: unknown): undefined {
  const cause = err instanceof ActivityFailure ? err.cause : err;
  const failure = operationFailure(err);
  if (cause instanceof CancelledFailure || (failure && !isBegun(failure))) return undefined;
  throw err;
}
