import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { CancelTurn, Polled } from '../src/cloud/cloud';
import { decide, type PollOutcome } from '../src/cloud/decide';
import { OperationServiceError } from '../src/cloud/error';
import type { DescriptorRegistry } from '../src/descriptors/registry';
import { pollVerdict, refusesCancel, retryDelayMs } from '../src/model/error-table';
import { configurationError } from '../src/model/failure';
import { redact } from '../src/model/redact';
import { nextInterval } from '../src/model/schedule';
import { isDone, type OperationSnapshot, type OperationStatus } from '../src/model/snapshot';
import { Attempt } from './attempt';
import { unknownCloudText, type ActivityContext } from './context';
import { notFoundInARow, outcomeOf } from './poll';

export interface CancelInput {
  cloud: string;
  operationId: string;
  /** When the wait began by Temporal's clock, in epoch milliseconds; where nobody waits, when this was asked for. */
  startedAtMs: number;
  /** Whether the workflow has started the operation or seen it: then no error of a poll ends the cancellation. */
  known?: boolean;
  /** Which wait of the workflow run it is that goes on without its watch. */
  wait?: number;
  /** The path of the method that started the operation, as for a poll. */
  method?: string;
}

/** What came of the request. `operation` is the state right after it. */
export interface CancelResult {
  operation: OperationSnapshot;
  /** Why the cloud will never accept the request: it does not support it, or not for this operation. */
  refused?: OperationStatus;
}

/** Of attempts: an operation that nobody wants costs money. */
const SCHEDULE = { initialIntervalMs: 1_000, ageFraction: 0.1, maximumIntervalMs: 10_000, jitter: 0.2 };

/**
 * Activity `operation.cancel`: drops the watch of the waiting workflow, polls, and sends Cancel unless the operation is
 * done: a late Cancel is known to overwrite the outcome of a finished one. The server retries it until the operation is
 * done or Cancel is accepted or refused for good.
 */
export async function cancelOperation(context: ActivityContext, input: CancelInput): Promise<CancelResult> {
  const attempt = new Attempt(Context.current());
  try {
    return await new Cancellation(context, input, attempt).run();
  } finally {
    attempt.end();
  }
}

/** What an attempt leaves for the next one. */
const KNOWN = { known: true };

/** One attempt to cancel. */
class Cancellation {
  readonly #activity = Context.current();
  #known: boolean;

  constructor(
    readonly context: ActivityContext,
    readonly input: CancelInput,
    readonly attempt: Attempt,
  ) {
    const { cloud, operationId, wait, known = false } = input;
    const { info } = this.#activity;
    const wasSeen = wait !== undefined && context.watcher.drop(cloud, operationId, info.workflowExecution?.runId, wait);
    this.#known = known || wasSeen || isKnown(info.heartbeatDetails);
  }

  async run(): Promise<CancelResult> {
    const { context, input, attempt } = this;
    const { cloud: name, operationId, wait } = input;
    const cloud = context.clouds.get(name);
    if (!cloud) {
      const message = unknownCloudText(name, context);
      // Where somebody waits another worker has the cloud, or had it before a deploy that will be mended.
      if (this.#known || wait !== undefined) throw this.#again(message);
      throw configurationError(name, message, operationId);
    }
    try {
      return await cloud.inOneTurn(operationId, attempt.signal, (turn) => this.#cancel(turn, cloud.registry));
    } catch (err) {
      if (err instanceof ApplicationFailure) throw err;
      throw this.#again(err instanceof Error ? err.message : String(err));
    }
  }

  async #cancel(turn: CancelTurn, registry: DescriptorRegistry): Promise<CancelResult> {
    const before = this.#judge(await this.#call(() => turn.get()), registry);
    if (isDone(before)) return { operation: before };
    const outcome = await this.#call(() => turn.cancel());
    if (!('error' in outcome && outcome.error instanceof OperationServiceError)) {
      return { operation: this.#judge(outcome, registry) };
    }
    const { code, codeName, rawMessage, details, message } = outcome.error;
    const refused: OperationStatus = { code, codeName, message: rawMessage, details };
    if (refusesCancel(codeName)) return { operation: before, refused };
    const isAnswer = pollVerdict(codeName) !== 'transient';
    throw this.#again(message, retryDelayMs(details), isAnswer ? [refused] : []);
  }

  /** Nothing is sent once another attempt may have seen the end of the operation. */
  #call(call: () => Promise<Polled>): Promise<PollOutcome> {
    if (this.attempt.isOver) throw this.#again('the attempt ended before the cloud could be asked');
    return outcomeOf(call());
  }

  /** The snapshot of a call; throws what ends the activity, or {@link #again} for what does not. */
  #judge(outcome: PollOutcome, registry: DescriptorRegistry): OperationSnapshot {
    const { currentAttemptScheduledTimestampMs, scheduledTimestampMs } = this.#activity.info;
    const decision = decide({ ...this.input, scheduledFromMs: scheduledTimestampMs, schedule: SCHEDULE }, outcome, {
      ageMs: currentAttemptScheduledTimestampMs - this.input.startedAtMs,
      failures: 1,
      notFound: notFoundInARow(this.#activity, outcome),
      random: this.context.random(),
      registry,
    });
    if ('polled' in outcome) this.#known = true;
    switch (decision.next) {
      case 'return':
        return decision.result.operation;
      case 'poll':
        throw this.#again(decision.message, decision.intervalMs);
      case 'fail':
        // Of a known operation only its end is final.
        if (this.#known && decision.failure.type !== 'OperationUnreadable') throw this.#again(decision.failure.message);
        throw decision.failure;
    }
  }

  /** The attempt ends and the server starts another one. What is told here the caller is told where time runs out. */
  #again(message: string, delayMs = 0, details: OperationStatus[] = []): ApplicationFailure {
    const { info } = this.#activity;
    const ageMs = info.currentAttemptScheduledTimestampMs - info.scheduledTimestampMs;
    if (this.#known && !this.input.known && !isKnown(info.heartbeatDetails)) this.attempt.leave(KNOWN);
    return ApplicationFailure.create({
      type: 'OperationNotCancelled',
      message: redact(message),
      details,
      nextRetryDelay: nextInterval(SCHEDULE, ageMs, this.context.random(), delayMs),
      category: 'BENIGN',
    });
  }
}

function isKnown(heartbeatDetails: unknown): boolean {
  return typeof heartbeatDetails === 'object' && heartbeatDetails !== null && 'known' in heartbeatDetails;
}
