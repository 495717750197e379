import {
  CALL_HEARTBEAT_TIMEOUT,
  type CallInput,
  type CallResult,
  type CancelInput,
  type CancelResult,
  type GetInput,
  type GetResult,
  type OperationActivities,
  type OperationSeen,
  type PollInput,
  type StartInput,
  type StartResult,
  type UntilInput,
  type UntilResult,
} from '../src/model/contract';
import type { RetryPolicy } from '@temporalio/common';
import { ActivityCancellationType, proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import { CALL_ACTIVITY, CANCEL_ACTIVITY, GET_ACTIVITY, START_ACTIVITY, UNTIL_ACTIVITY } from '../src/model/names';
import { resolveWaitOptions } from '../src/model/options';
import {
  checkCallResult,
  checkCancelResult,
  checkGetResult,
  checkLookResult,
  checkStartResult,
  checkUntilResult,
} from './results';
import type { ResourceTarget, Target } from './target';

/**
 * Set explicitly, since each default would be wrong here. A lost attempt carries no retry delay of ours, and the
 * server's default backoff doubles with every attempt of a long wait. An oversized result fails its completion, which
 * the server would retry forever.
 */
const RETRY: RetryPolicy = {
  initialInterval: '1 s',
  backoffCoefficient: 1,
  maximumInterval: '1 s',
  nonRetryableErrorTypes: ['PayloadsTooLarge'],
};

/** Longer than the longest call timeout that a worker may configure. */
const POLL_TIMEOUT = '35 s';
/** Long enough for the two calls of a start whose token is refused, or of `operation.cancel`. */
const CALL_TIMEOUTS: ActivityOptions = { startToCloseTimeout: '70 s', heartbeatTimeout: CALL_HEARTBEAT_TIMEOUT };

function activities(target: Pick<Target, 'taskQueue'>, options: ActivityOptions): OperationActivities {
  return proxyActivities<OperationActivities>({
    retry: RETRY,
    // The SDK's default, contrary to its documentation, but waits rely on it: a cancelled caller continues at once.
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

/** How the activities' inputs name an operation and its wait. */
function operationOf({ taskQueue: _, waitNumber, ...operation }: Target): Omit<CancelInput, 'startedAtMs' | 'record'> {
  return { ...operation, ...(waitNumber !== undefined && { wait: waitNumber }) };
}

/** What a poll gets from its wait. */
export type Poll = Omit<PollInput, 'cloud' | 'wait'>;

export async function getOperation(
  target: Target,
  input: Poll & Pick<GetInput, 'onRollback'>,
  call: CallLimits,
): Promise<GetResult> {
  const proxies = activities(target, { startToCloseTimeout: POLL_TIMEOUT, ...limits(call) });
  return checkGetResult(await proxies[GET_ACTIVITY]({ ...operationOf(target), ...input }), target);
}

/** Polls once, and returns the operation in whatever state it is. */
export async function lookAtOperation(
  target: Target,
  input: Omit<Poll, 'by' | 'returnRefusal'>,
  call: CallLimits,
): Promise<OperationSeen> {
  return checkLookResult(await getOperation(target, input, call), target);
}

/** Polls a reading method until its reply matches, or once if the input says so. */
export async function getUntilMatched(
  { taskQueue, waitNumber, ...resource }: ResourceTarget,
  input: Poll & Pick<UntilInput, 'awaitsCreation'>,
  call: CallLimits,
): Promise<UntilResult> {
  const target = taskQueue === undefined ? {} : { taskQueue };
  const proxies = activities(target, { startToCloseTimeout: POLL_TIMEOUT, ...limits(call) });
  const wait = waitNumber === undefined ? {} : { wait: waitNumber };
  return checkUntilResult(await proxies[UNTIL_ACTIVITY]({ ...resource, ...wait, ...input }), resource);
}

/** Polls once, outside any wait. Transient errors are retried until a poll succeeds. */
export function getOnce(target: Target): Promise<OperationSeen> {
  const { schedule } = resolveWaitOptions();
  return lookAtOperation(target, { startedAtMs: Date.now(), schedule }, { summary: target.operationId });
}

/** What a request to cancel gets from its wait. */
type CancelRequest = Pick<CancelInput, 'startedAtMs' | 'record'>;

export async function cancelOperation(target: Target, request: CancelRequest, call: CallLimits): Promise<CancelResult> {
  const input: CancelInput = { ...operationOf(target), ...request };
  const proxies = activities(target, { ...CALL_TIMEOUTS, ...limits(call) });
  return checkCancelResult(await proxies[CANCEL_ACTIVITY](input), target);
}

/**
 * Starts an operation: in one attempt if `once`, else in as many as it takes to learn the outcome. Cancelling it waits
 * for the attempt in progress, since only that attempt knows whether the operation exists.
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

/**
 * Calls a method until it answers. Cancelling a read ends at once; cancelling any other call waits for the attempt in
 * progress, since only that attempt knows what it has changed.
 */
export async function callUntilAnswered(
  input: CallInput,
  taskQueue: string | undefined,
  isRead: boolean,
  call: CallLimits,
): Promise<CallResult> {
  const proxies = activities(taskQueue === undefined ? {} : { taskQueue }, {
    ...CALL_TIMEOUTS,
    ...limits(call),
    ...(!isRead && { cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED }),
  });
  return checkCallResult(await proxies[CALL_ACTIVITY](input), input);
}
