import { ActivityNotFoundError } from '@temporalio/client';
import type { Context, Info } from '@temporalio/activity';
import type { ActivitySerializationContext } from '@temporalio/common';
import { operationName } from '../src/model/texts';
import { pollAgain, type GetInput, type GetResult } from './decide';

/** For so long one worker may watch an operation on behalf of one activity attempt. */
export const LEASE_MS = 30_000;
/** After a report has failed. */
const REPORT_AGAIN_MS = 1_000;

/**
 * One activity attempt that completes asynchronously: it holds no slot, and is reported by its token with the client of
 * its own context. Settles once; what comes later is ignored.
 */
export class Lease {
  readonly #beganAt = performance.now();
  readonly #ageAtBeginMs: number;
  readonly #context: Context;
  #settled = false;
  /** Polls in a row that found no operation. */
  notFound = 0;
  /** What the last poll saw, for people who look at the pending activity. */
  seen: string;

  constructor(
    readonly input: GetInput,
    context: Context,
  ) {
    this.#context = context;
    this.seen = `${operationName(input.cloud, input.operationId)} is being polled`;
    this.#ageAtBeginMs = context.info.currentAttemptScheduledTimestampMs - input.startedAtMs;
  }

  /** The age of the wait: by Temporal's clock when the attempt was scheduled, by a monotonic one since. */
  get ageMs(): number {
    return this.#ageAtBeginMs + performance.now() - this.#beganAt;
  }

  get remainingMs(): number {
    return LEASE_MS - (performance.now() - this.#beganAt);
  }

  /** Whether this lease belongs to a wait of that workflow run. */
  isOf(runId: string | undefined): boolean {
    return runId !== undefined && this.#context.info.workflowExecution?.runId === runId;
  }

  complete(result: GetResult): Promise<void> {
    const { client, info } = this.#context;
    return this.#report((options) => client.activity.complete(info.taskToken, result, options));
  }

  fail(failure: Error): Promise<void> {
    const { client, info } = this.#context;
    return this.#report((options) => client.activity.fail(info.taskToken, failure, options));
  }

  /** Ends the attempt; the server hands the wait to some worker after `delayMs`. */
  giveBack(delayMs: number): Promise<void> {
    return this.fail(pollAgain(this.seen, delayMs));
  }

  /** Nothing will be reported: the attempt lapses. */
  drop(): void {
    this.#settled = true;
  }

  /** Tries until the server has it or the attempt has timed out, when the server goes on by itself. Never rejects. */
  async #report(
    send: (options: { serializationContext: ActivitySerializationContext }) => Promise<void>,
  ): Promise<void> {
    if (this.#settled) return;
    this.#settled = true;
    const { info, log } = this.#context;
    for (;;) {
      try {
        return await send({ serializationContext: serializationContext(info) });
      } catch (err) {
        if (err instanceof ActivityNotFoundError) return;
        log.debug('Operation could not be reported to Temporal', { error: err });
        if (performance.now() - this.#beganAt + REPORT_AGAIN_MS > info.startToCloseTimeoutMs) return;
        await new Promise((resolve) => setTimeout(resolve, REPORT_AGAIN_MS));
      }
    }
  }
}

/** What the SDK passes to converters for an activity that returns; by token it passes nothing unless told. */
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
