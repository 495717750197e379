import {
  CALL_HEARTBEAT_TIMEOUT,
  type CallInput,
  type CallResult,
  type CancelInput,
  type CancelResult,
  type GetInput,
  type GetResult,
} from '../model/contract';
import { randomUUID } from 'crypto';
import type { Client } from '@temporalio/client';
import { ApplicationFailure, TimeoutFailure, type Duration, type RetryPolicy } from '@temporalio/common';
import { operationFailure } from '../model/failure';
import { CALL_ACTIVITY, CANCEL_ACTIVITY, GET_ACTIVITY } from '../model/names';
import { resolveWaitOptions } from '../model/options';
import { isDone, statusCode, type JsonObject, type OperationSnapshot } from '../model/snapshot';
import { durationMs } from '../model/check';
import { durationText, statusText } from '../model/texts';
import { messageOf } from '../model/thrown';
import { grpcError } from './connect';
import { callSummary } from '../model/unary-call';
import { CommandError, EXIT_CODES } from './outcome';

/** A worker's answer: the operation, or why the lookup failed. `isGone`: the cloud does not know the operation. */
type Answer = { operation: OperationSnapshot } | { problem: string; isGone: boolean };

type Activities = {
  [GET_ACTIVITY](input: GetInput): Promise<GetResult>;
  [CANCEL_ACTIVITY](input: CancelInput): Promise<CancelResult>;
  [CALL_ACTIVITY](input: CallInput): Promise<CallResult>;
};

/** How long a cancelled operation may take to end before it is reported as still running. */
const END_TIMEOUT = '1 min';
const RETRY: RetryPolicy = {
  initialInterval: '1 s',
  backoffCoefficient: 1,
  nonRetryableErrorTypes: ['PayloadsTooLarge'],
};

interface StandaloneOptions {
  id: string;
  taskQueue: string;
  startToCloseTimeout: Duration;
  scheduleToCloseTimeout: Duration;
  retry: RetryPolicy;
  summary: string;
}

/**
 * Asks a cloud through standalone activities of a worker. No workflow runs, so no wait is left behind.
 */
export class CloudDesk {
  readonly #client: Client;
  readonly #taskQueue: string;
  readonly #cloud: string;
  /** Without an answer in this time, the worker or the cloud counts as unavailable. */
  readonly #lookTimeout: Duration;

  constructor(client: Client, taskQueue: string, cloud: string, lookTimeout: Duration = '45 s') {
    if (!('execute' in client.activity))
      throw new CommandError(
        'This command needs @temporalio/client 1.24 or later: npm install @temporalio/client@latest',
      );
    this.#client = client;
    this.#taskQueue = taskQueue;
    this.#cloud = cloud;
    this.#lookTimeout = lookTimeout;
  }

  /** Calls a method that starts no operation. Rejects with a CommandError if the call does not succeed. */
  async call(method: string, request: JsonObject, timeoutMs: number): Promise<CallResult> {
    const idempotencyKey = randomUUID();
    const input: CallInput = { cloud: this.#cloud, method, request, idempotencyKey };
    try {
      return await this.#client.activity.typed<Activities>().execute(CALL_ACTIVITY, {
        ...this.#options(`call/${this.#cloud}/${idempotencyKey}`, callSummary(method, request), timeoutMs),
        startToCloseTimeout: '70 s',
        heartbeatTimeout: CALL_HEARTBEAT_TIMEOUT,
        args: [input],
      });
    } catch (err) {
      const failure = operationFailure(err);
      if (failure) throw new CommandError(failure.message, EXIT_CODES[failure.type]);
      throw new CommandError(this.#problem(err, timeoutMs).problem, EXIT_CODES.OperationServiceError);
    }
  }

  /** Polls the operation once. */
  look(operationId: string): Promise<Answer> {
    return this.#get(operationId, {}, this.#lookTimeout);
  }

  /** Asks the cloud to cancel, and polls until the operation has ended. Resolves to the outcome in words. */
  async cancel(operationId: string): Promise<{ ended: boolean; outcome: string }> {
    const input: CancelInput = { cloud: this.#cloud, operationId, startedAtMs: Date.now() };
    let result: CancelResult;
    try {
      result = await this.#client.activity.typed<Activities>().execute(CANCEL_ACTIVITY, {
        ...this.#orphanOptions(operationId, this.#lookTimeout),
        heartbeatTimeout: CALL_HEARTBEAT_TIMEOUT,
        args: [input],
      });
    } catch (err) {
      return { ended: false, outcome: `not cancelled: ${this.#problem(err).problem}` };
    }
    const { operation, refused } = result;
    if (isDone(operation)) return { ended: true, outcome: endOf(operation) };
    if (refused) return { ended: false, outcome: `not cancelled: the cloud refused (${statusText(refused)})` };
    const answer = await this.#get(operationId, { by: 'activityRetry' }, END_TIMEOUT);
    if ('operation' in answer && isDone(answer.operation)) return { ended: true, outcome: endOf(answer.operation) };
    return { ended: false, outcome: 'cancellation requested, but the operation has not ended within 1 min' };
  }

  async #get(operationId: string, how: Pick<GetInput, 'by'>, timeout: Duration): Promise<Answer> {
    const { schedule } = resolveWaitOptions();
    const input: GetInput = { cloud: this.#cloud, operationId, startedAtMs: Date.now(), schedule, ...how };
    try {
      const result = await this.#client.activity.typed<Activities>().execute(GET_ACTIVITY, {
        ...this.#orphanOptions(operationId, timeout),
        args: [input],
      });
      return 'operation' in result ? result : { problem: statusText(result.refused.status), isGone: false };
    } catch (err) {
      return this.#problem(err);
    }
  }

  #orphanOptions(operationId: string, scheduleToCloseTimeout: Duration): StandaloneOptions {
    const id = `operation-orphan/${this.#cloud}/${operationId}/${randomUUID()}`;
    const summary = `temporal-lro orphans: ${operationId}`.slice(0, 100);
    return this.#options(id, summary, scheduleToCloseTimeout);
  }

  #options(id: string, summary: string, scheduleToCloseTimeout: Duration): StandaloneOptions {
    const taskQueue = this.#taskQueue;
    return { id, taskQueue, startToCloseTimeout: '35 s', scheduleToCloseTimeout, retry: RETRY, summary };
  }

  /** Why an activity failed. Throws an error that concerns every operation. */
  #problem(err: unknown, timeout = this.#lookTimeout): { problem: string; isGone: boolean } {
    if (err instanceof CommandError) throw err;
    const refusal = grpcError(err);
    if (refusal?.code === statusCode('UNIMPLEMENTED'))
      throw new CommandError(
        `This Temporal server does not support standalone activities, which this command needs (${refusal.details}): use a server of version 1.31 or later with activity.enableStandalone on.`,
      );
    const cause = err instanceof Error ? err.cause : undefined;
    if (refusal || !(cause instanceof Error)) throw err;
    if (cause instanceof TimeoutFailure) {
      const within = durationText(durationMs('timeout', timeout));
      const isUnserved = cause.timeoutType === 'SCHEDULE_TO_START';
      if (isUnserved)
        throw new CommandError(
          `No worker on the task queue ${this.#taskQueue} has answered within ${within}: start one, or name another by --task-queue.`,
        );
      const problem = cause.cause ? messageOf(cause.cause) : `the cloud did not answer within ${within}`;
      return { problem, isGone: false };
    }
    if (cause instanceof ApplicationFailure && cause.type === 'OperationConfigurationError')
      throw new CommandError(cause.message, 9);
    return {
      problem: cause.message,
      isGone: cause instanceof ApplicationFailure && cause.type === 'OperationNotFound',
    };
  }
}

function endOf(operation: OperationSnapshot & { state: 'succeeded' | 'failed' }): string {
  if (operation.state === 'succeeded') return 'it succeeded before it could be cancelled';
  const { error } = operation;
  return error.codeName === 'CANCELLED' ? 'cancelled' : `it failed: ${statusText(error)}`;
}
