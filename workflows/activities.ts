import type {
  CancelInput,
  CancelResult,
  GetInput,
  GetResult,
  OperationActivities,
  OperationSeen,
  StartInput,
  StartResult,
} from '../src/model/contract';
import type { RetryPolicy } from '@temporalio/common';
import { ActivityCancellationType, proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import { CANCEL_ACTIVITY, GET_ACTIVITY, START_ACTIVITY } from '../src/model/names';
import { resolveWaitOptions } from '../src/model/options';
import { checkCancelResult, checkGetResult, checkStartResult } from './results';
import type { Target } from './target';

/**
 * Said explicitly, since each default would be wrong here: an attempt that is lost carries no retry delay of ours, and
 * the server would fall back to a back-off that doubles with every attempt of a long wait. An oversized result fails
 * its completion, which would be retried for ever.
 */
const RETRY: RetryPolicy = {
  initialInterval: '1 s',
  backoffCoefficient: 1,
  maximumInterval: '1 s',
  nonRetryableErrorTypes: ['PayloadsTooLarge'],
};

/** Longer than the longest call that a worker may configure. */
const POLL_TIMEOUT = '35 s';
/**
 * Of two calls: a start whose token is refused, or `operation.cancel`. A lost worker shows within the heartbeat
 * timeout.
 */
const CALL_TIMEOUTS: ActivityOptions = { startToCloseTimeout: '70 s', heartbeatTimeout: '5 s' };

function activities(target: Pick<Target, 'taskQueue'>, options: ActivityOptions): OperationActivities {
  return proxyActivities<OperationActivities>({
    retry: RETRY,
    // Unset means TRY_CANCEL in spite of its documentation; a caller that goes on at once is what waits are built on.
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    ...(target.taskQueue === undefined ? {} : { taskQueue: target.taskQueue }),
    ...options,
  });
}

/** `scheduleToCloseTimeoutMs` bounds the whole call, retries included. */
export interface CallLimits {
  summary: string;
  scheduleToCloseTimeoutMs?: number;
}

function limits({ summary, scheduleToCloseTimeoutMs: ms }: CallLimits): ActivityOptions {
  return { summary, ...(ms === undefined ? {} : { scheduleToCloseTimeout: ms }) };
}

/** What a poll is told of its wait. */
export type Poll = Omit<GetInput, 'cloud' | 'operationId' | 'method' | 'wait'>;

export async function getOperation(target: Target, input: Poll, call: CallLimits): Promise<GetResult> {
  const { taskQueue: _, ...operation } = target;
  const proxies = activities(target, { startToCloseTimeout: POLL_TIMEOUT, ...limits(call) });
  return checkGetResult(await proxies[GET_ACTIVITY]({ ...operation, ...input }), target);
}

/** A single look, which returns the operation whatever its state is. */
export async function lookAtOperation(
  target: Target,
  input: Omit<Poll, 'by' | 'returnRefusal'>,
  call: CallLimits,
): Promise<OperationSeen> {
  const result = await getOperation(target, input, call);
  if ('operation' in result) return result;
  // A worker returns a refusal only where it was asked to.
  throw new Error('A single look was refused');
}

/** A single look, outside any wait: transient errors are retried until it succeeds. */
export function getOnce(target: Target): Promise<OperationSeen> {
  const { schedule } = resolveWaitOptions();
  return lookAtOperation(target, { startedAtMs: Date.now(), schedule }, { summary: target.operationId });
}

/** What a request to cancel is told of its wait. */
export type CancelRequest = Pick<CancelInput, 'startedAtMs' | 'record'>;

export async function cancelOperation(target: Target, request: CancelRequest, call: CallLimits): Promise<CancelResult> {
  const { taskQueue: _, ...operation } = target;
  const input: CancelInput = { ...operation, ...request };
  const proxies = activities(target, { ...CALL_TIMEOUTS, ...limits(call) });
  return checkCancelResult(await proxies[CANCEL_ACTIVITY](input), target);
}

/**
 * One attempt where `once`; else as many as it takes to learn the outcome. Cancelling it waits for the attempt that is
 * under way, which alone can tell whether there is an operation now.
 */
export async function startOperation(
  input: StartInput,
  taskQueue: string | undefined,
  once: boolean,
  call: CallLimits,
): Promise<StartResult> {
  const proxies = activities(taskQueue === undefined ? {} : { taskQueue }, {
    ...CALL_TIMEOUTS,
    ...limits(call),
    ...(once && { retry: { ...RETRY, maximumAttempts: 1 } }),
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  return checkStartResult(await proxies[START_ACTIVITY](input), input.cloud);
}
