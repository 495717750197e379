import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { CancelTurn, Cloud, Polled } from '../src/cloud/cloud';
import { decide, type PollOutcome } from '../src/cloud/decide';
import { operationJudge } from '../src/cloud/judge-operation';
import { OperationServiceError } from '../src/apis/error';
import { boundStatus, boundText } from '../src/model/bounds';
import type { CancelInput, CancelResult } from '../src/model/contract';
import { pollVerdict, refusesCancel, retryDelayMs } from '../src/model/error-table';
import { isNewEvidence, type PollRecord } from '../src/model/evidence';
import { configurationError } from '../src/model/failure';
import { redact } from '../src/model/redact';
import { nextInterval } from '../src/model/schedule';
import { isDone, type OperationSnapshot, type OperationStatus } from '../src/model/snapshot';
import { statusText } from '../src/model/texts';
import { messageOf } from '../src/model/thrown';
import { Attempt } from './attempt';
import { unknownCloudText, type ActivityContext } from './context';
import { operationGroup } from './operation-subject';
import { boundedOutcome, recordBefore } from './poll';

/** The schedule of attempts. Frequent, since an unwanted operation costs money. */
const SCHEDULE = { initialIntervalMs: 1_000, ageFraction: 0.1, maximumIntervalMs: 10_000, jitter: 0.2 };

/**
 * Activity `operation.cancel`: drops the watch of the waiting workflow, polls, and sends Cancel unless the operation is
 * done, since a real cloud has been seen to overwrite the outcome of a done operation. The server retries the activity
 * until the operation is done, or Cancel is accepted or permanently refused.
 */
export async function cancelOperation(context: ActivityContext, input: CancelInput): Promise<CancelResult> {
  const attempt = new Attempt(Context.current());
  try {
    return await new Cancellation(context, input, attempt).run();
  } finally {
    attempt.end();
  }
}

/** One attempt to cancel. */
class Cancellation {
  readonly #activity = Context.current();
  /** The evidence of the wait's polls so far. */
  #record: PollRecord;
  /** What an earlier attempt, or the input, has handed to this one. */
  readonly #before: PollRecord;

  constructor(
    readonly context: ActivityContext,
    readonly input: CancelInput,
    readonly attempt: Attempt,
  ) {
    const { cloud, operationId, wait } = input;
    const { workflowExecution } = this.#activity.info;
    const dropped =
      wait === undefined
        ? undefined
        : context.watcher.drop(operationGroup(cloud, operationId), workflowExecution?.runId, wait);
    const before = recordBefore(this.#activity, input);
    this.#before = before;
    this.#record = dropped?.known && !before.known ? dropped : before;
  }

  async run(): Promise<CancelResult> {
    const { context, input, attempt } = this;
    const { cloud: name, operationId, wait } = input;
    const cloud = context.clouds.get(name);
    if (!cloud) {
      const message = unknownCloudText(name, context);
      // If a workflow waits, another worker configures the cloud, or did before a deploy that will be fixed.
      if (this.#record.known || wait !== undefined) throw this.#again(message);
      throw configurationError(name, message, operationId);
    }
    try {
      return await cloud.inOneTurn(input, attempt.wanted, (turn) => this.#cancel(turn, cloud));
    } catch (err) {
      // A wait goes on while a deploy or a key is broken, and so does its cancellation.
      const isWaitedOut =
        err instanceof ApplicationFailure && err.type === 'OperationConfigurationError' && this.#record.known;
      if (err instanceof ApplicationFailure && !isWaitedOut) throw err;
      throw this.#again(messageOf(err));
    }
  }

  async #cancel(turn: CancelTurn, cloud: Cloud): Promise<CancelResult> {
    const before = this.#judge(await this.#call(() => turn.get()), cloud);
    if (isDone(before)) return { operation: before };
    const outcome = await this.#call(() => turn.cancel());
    if (!('error' in outcome && outcome.error instanceof OperationServiceError)) {
      return { operation: this.#judge(outcome, cloud) };
    }
    const { code, codeName, rawMessage, details, message } = outcome.error;
    const refused = boundStatus({ code, codeName, message: rawMessage, details });
    if (refusesCancel(codeName)) return { operation: before, refused };
    const isAnswer = pollVerdict(codeName) !== 'transient';
    throw this.#again(message, retryDelayMs(details), isAnswer ? [refused] : []);
  }

  /** Makes a call. Throws once another attempt may have begun, which may have seen the end of the operation. */
  #call(call: () => Promise<Polled>): Promise<PollOutcome<Polled>> {
    if (this.attempt.isOver) throw this.#again('the attempt ended before the cloud could be asked');
    return boundedOutcome(call());
  }

  /** Returns the snapshot of a call. Throws a failure that ends the activity, or {@link #again} to retry. */
  #judge(outcome: PollOutcome<Polled>, cloud: Cloud): OperationSnapshot {
    const { currentAttemptScheduledTimestampMs, scheduledTimestampMs } = this.#activity.info;
    const input = { ...this.input, scheduledFromMs: scheduledTimestampMs, schedule: SCHEDULE };
    const { decision, record } = decide(operationJudge(input, cloud), outcome, {
      ageMs: currentAttemptScheduledTimestampMs - this.input.startedAtMs,
      record: this.#record,
      random: this.context.random(),
    });
    this.#record = record;
    switch (decision.next) {
      case 'return':
        if ('operation' in decision.result) return decision.result.operation;
        throw this.#again(statusText(decision.result.refused.status));
      case 'poll':
        throw this.#again(decision.message, decision.intervalMs);
      case 'fail':
        // For an operation that is known to exist, only its end is final.
        if (record.known && decision.failure.type !== 'OperationUnreadable')
          throw this.#again(decision.failure.message);
        throw decision.failure;
    }
  }

  /** The failure that ends the attempt and makes the server retry. After a timeout, the caller gets its message. */
  #again(message: string, delayMs = 0, details: OperationStatus[] = []): ApplicationFailure {
    const { currentAttemptScheduledTimestampMs, scheduledTimestampMs } = this.#activity.info;
    const ageMs = currentAttemptScheduledTimestampMs - scheduledTimestampMs;
    if (isNewEvidence(this.#before, this.#record)) this.attempt.leave(this.#record);
    return ApplicationFailure.create({
      type: 'OperationNotCancelled',
      message: boundText(redact(message)),
      details,
      nextRetryDelay: nextInterval(SCHEDULE, ageMs, this.context.random(), delayMs),
      category: 'BENIGN',
    });
  }
}
