import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { OperationsApi } from '../src/apis/api';
import { OperationServiceError } from '../src/apis/error';
import { boundedReply, type PreparedCall } from '../src/cloud/call';
import type { Cloud } from '../src/cloud/cloud';
import { boundStatus } from '../src/model/bounds';
import { CALL_FAILED, type CallDoubt, type CallInput, type CallResult } from '../src/model/contract';
import { pollVerdict } from '../src/model/error-table';
import { configurationError, toApplicationFailure } from '../src/model/failure';
import { statusCode, type OperationStatus } from '../src/model/snapshot';
import { refusesAlways, startVerdict, type StartError } from '../src/model/start-verdict';
import { durationText } from '../src/model/texts';
import { OUTCOME_UNKNOWN_TEXT } from '../src/model/unary-call';
import { Attempt } from './attempt';
import { isInDoubt } from './doubt';
import { unknownCloudText, type ActivityContext } from './context';
import { retryInMs } from './start';
import { messageOf } from '../src/model/thrown';

/**
 * Activity `operation.call`: calls a method that starts no operation, and returns its reply. Fails permanently if the
 * cloud refuses, and retryably after a transient error. Awaits a change that was sent, even if the activity is
 * cancelled.
 */
export async function callMethod(context: ActivityContext, input: CallInput): Promise<CallResult> {
  const cloud = context.clouds.get(input.cloud);
  if (!cloud) throw configurationError(input.cloud, unknownCloudText(input.cloud, context));
  const call = cloud.prepare(input.method, input.request);
  const attempt = new Attempt(Context.current());
  try {
    return await new MethodCall(context, input, cloud, call, attempt).run();
  } finally {
    attempt.end();
  }
}

/** One attempt to call a method. */
class MethodCall {
  readonly #info = Context.current().info;
  /** Whether an earlier attempt may have made the change. */
  readonly #inDoubt: boolean;

  constructor(
    readonly context: ActivityContext,
    readonly input: CallInput,
    readonly cloud: Cloud,
    readonly call: PreparedCall,
    readonly attempt: Attempt,
  ) {
    this.#inDoubt = call.effect === 'change' && isInDoubt(this.#info);
  }

  async run(): Promise<CallResult> {
    const { cloud, call, attempt, input } = this;
    const isChange = call.effect === 'change';
    if (this.#inDoubt && !call.isRepeatable) throw this.#unknown(`${call.what}: an attempt was lost`, LOST);
    try {
      const key = isChange ? input.idempotencyKey : undefined;
      const inFlight = isChange ? attempt.running : attempt.wanted;
      const called = await cloud.call(call, { ...(key && { key }), signal: attempt.wanted, inFlight });
      return boundedReply(cloud.name, call.what, called);
    } catch (err) {
      // Our own failure, for a reply that cannot be returned.
      if (err instanceof ApplicationFailure) throw err;
      throw this.#failed(err);
    }
  }

  /** The failure of the attempt: permanent if the call must not, or need not, be repeated. */
  #failed(err: unknown): ApplicationFailure {
    const { call, cloud } = this;
    const message = messageOf(err);
    // Any other error is not an answer: the call was waiting for its turn, its token or its address.
    const { code, codeName, rawMessage, details, neverSent } =
      err instanceof OperationServiceError ? err : { ...LOST, rawMessage: message, neverSent: true };
    const status = boundStatus({ code, codeName, message: rawMessage, details });
    const verdict = verdictOf({ ...status, neverSent }, call, cloud.api);
    const isUnknown = verdict === 'unknown' || (this.#inDoubt && (neverSent || !refusesAlways(codeName)));
    if (isUnknown && (verdict === 'refused' || !call.isRepeatable)) return this.#unknown(message, status);
    if (verdict === 'refused') return this.#refused(message, status, false);
    return this.#again(message, status, isUnknown);
  }

  #unknown(message: string, status: OperationStatus): ApplicationFailure {
    return this.#refused(`${message}. ${OUTCOME_UNKNOWN_TEXT}`, status, true);
  }

  #refused(message: string, { code, codeName, details }: OperationStatus, outcomeUnknown: boolean): ApplicationFailure {
    const type = 'OperationServiceError';
    const failure = toApplicationFailure({ type, cloud: this.input.cloud, code, codeName, message, details });
    const doubt: CallDoubt = { attempt: this.#info.attempt, outcomeUnknown };
    return ApplicationFailure.create({
      type,
      message: failure.message,
      nonRetryable: true,
      details: [...(failure.details ?? []), doubt],
    });
  }

  #again(message: string, status: OperationStatus, outcomeUnknown: boolean): ApplicationFailure {
    const doubt: CallDoubt = { attempt: this.#info.attempt, outcomeUnknown };
    // A heartbeat is a billed Action.
    if (this.call.effect === 'change') this.attempt.leave(doubt);
    // The server's timers take at least a second. A retry that then comes too late must not begin at all.
    const delayMs = Math.max(SERVER_TIMER_MS, retryInMs(this.context, status));
    return ApplicationFailure.create({
      type: CALL_FAILED,
      message: `${message}; tried again in ${durationText(delayMs)}`,
      details: [status, doubt],
      nextRetryDelay: delayMs,
      category: 'BENIGN',
    });
  }
}

const SERVER_TIMER_MS = 1_000;

/** The status of an attempt without an answer. */
const LOST: OperationStatus = { code: statusCode('UNAVAILABLE'), codeName: 'UNAVAILABLE', message: '', details: [] };

/** `unknown`: a change may have been made. `again`: nothing was changed, and a later attempt may succeed. */
function verdictOf(
  error: StartError,
  { effect }: PreparedCall,
  { refusals }: OperationsApi,
): 'refused' | 'again' | 'unknown' {
  if (effect !== 'change') return pollVerdict(error.codeName) === 'transient' ? 'again' : 'refused';
  const { verdict } = startVerdict(error, refusals);
  return verdict === 'busy' || verdict === 'conflict' ? 'again' : verdict;
}
