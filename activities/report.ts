import { setTimeout as sleep } from 'timers/promises';
import type { Context, Info } from '@temporalio/activity';
import { ActivityCompletionError, ActivityNotFoundError } from '@temporalio/client';
import { ApplicationFailure, type ActivitySerializationContext } from '@temporalio/common';
import type { PollRecord } from '../src/model/evidence';
import { toApplicationFailure, withoutContents } from '../src/model/failure';
import { boundText } from '../src/model/bounds';
import { redact } from '../src/model/redact';
import { countReportFailure } from './observe';
import type { PollResult, Subject } from './subject';
import { messageOf } from '../src/model/thrown';

/** The end of a watched attempt: a result, or a failure, which may be retryable. */
export type Report<R> = { result: R } | { failure: ApplicationFailure; record?: PollRecord };

/** The pause before an undelivered report is sent again. */
const REPORT_AGAIN_MS = 1_000;

/**
 * Ends an activity attempt by its task token. If Temporal or a payload codec rejects the report, sends a smaller one
 * that says why. If the report is not delivered, retries as long as `remainingMs()` allows; then the attempt times out
 * and the server retries it. Never rejects.
 */
export async function reportByToken<P, R extends PollResult>(
  context: Context,
  subject: Subject<P, R>,
  report: Report<R>,
  remainingMs: () => number,
): Promise<void> {
  const smaller = [smallReport<P, R>, retryReport<P, R>];
  for (let current = report, failures = 0; ; failures++) {
    try {
      return await send(context, current);
    } catch (err) {
      if (err instanceof ActivityNotFoundError) return;
      const reason = boundText(redact(messageOf(err)));
      countReportFailure(subject.input.cloud, context);
      context.log[failures === 0 ? 'warn' : 'debug']('Operation could not be reported to Temporal', {
        ...subject.fields,
        reason,
      });
      const next = isRefused(err) ? smaller.shift() : undefined;
      if (next) {
        current = next(subject, report, reason);
        continue;
      }
      if (remainingMs() < REPORT_AGAIN_MS) return;
      // Does not keep the process alive: without the report, the server retries after the attempt's timeout.
      await sleep(REPORT_AGAIN_MS, undefined, { ref: false });
    }
  }
}

async function send<R>({ client, info }: Context, report: Report<R>): Promise<void> {
  const options = { serializationContext: serializationContext(info) };
  if ('result' in report) return client.activity.complete(info.taskToken, report.result, options);
  // The next attempt reads the record from the last heartbeat's details; a failure by token cannot carry any.
  if (report.record) await client.activity.heartbeat(info.taskToken, report.record, options).catch(ignoreRequests);
  return client.activity.fail(info.taskToken, report.failure, options);
}

/** Ignores that the reply to a heartbeat says that the activity is cancelled, paused or reset. */
function ignoreRequests(err: unknown): void {
  if (err instanceof ActivityCompletionError || err instanceof ActivityNotFoundError) throw err;
}

/** How the server and gRPC say that a report is too large. The SDK hides the status code. */
const TOO_LARGE = /larger than max|too large|exceeds/i;

/** Whether the same report would be refused again. An error that is not the client's comes from a payload codec. */
function isRefused(err: unknown): boolean {
  return !(err instanceof ActivityCompletionError) || TOO_LARGE.test(err.message);
}

/** The same end, without the contents of the operation or reply. */
function smallReport<P, R extends PollResult>(subject: Subject<P, R>, report: Report<R>, reason: string): Report<R> {
  if ('failure' in report) {
    const failure = withoutContents(report.failure);
    return failure ? { failure } : retryReport(subject, report, reason);
  }
  const { name, input, operationId = '' } = subject;
  const state = subject.stateOf(report.result);
  return {
    failure: toApplicationFailure({
      type: 'OperationUnreadable',
      cloud: input.cloud,
      operationId,
      message: `${name} (${state}) could not be returned, since its result was refused: ${reason}. Check the payload codec of the worker, or read the resource with a call of your own`,
      details: [],
    }),
  };
}

/** A report with nothing for a codec to encode. The server retries the attempt, which polls again. */
function retryReport<P, R extends PollResult>({ name }: Subject<P, R>, _: Report<R>, reason: string): Report<R> {
  const message = `${name} could not be reported: ${reason}`;
  return {
    failure: ApplicationFailure.create({ type: 'OperationNotReported', message, nextRetryDelay: CODEC_RETRY_MS }),
  };
}

/** The retry delay for a codec that rejects everything, for example because its key service is down. */
const CODEC_RETRY_MS = 5_000;

/** The context that the SDK gives converters when an activity returns. For reports by token, it must be passed. */
function serializationContext(info: Info): ActivitySerializationContext {
  const { namespace, activityId, isLocal, workflowExecution } = info;
  return {
    type: 'activity',
    namespace,
    activityId,
    isLocal,
    ...(workflowExecution && { workflowId: workflowExecution.workflowId }),
  };
}
