import { activityInfo } from '@temporalio/activity';
import { OperationServiceError } from '../src/cloud/error';
import { nextInterval, type PollSchedule } from '../src/model/schedule';
import type { OperationSnapshot } from '../src/model/snapshot';
import { statusCode } from '../src/model/status-code';
import { operationName } from '../src/model/texts';
import { checkSize } from './payload-size';
import { pollAgain, terminalFailure } from './poll-failure';
import type { ActivityContext } from './context';

export interface GetInput {
  cloud: string;
  operationId: string;
  /** When the wait began by Temporal's clock, in epoch milliseconds. */
  startedAtMs: number;
  schedule: PollSchedule;
  /** The path of the method that started the operation: its response must have the type that the method promises. */
  method?: string;
}

export interface GetResult {
  operation: OperationSnapshot;
  /** How long the server asked to wait before the next poll. */
  hintMs?: number;
}

/** Activity `operation.get`: one poll. Errors that do not end the wait are retried by the server, on the schedule. */
export async function getOperation(context: ActivityContext, input: GetInput): Promise<GetResult> {
  const { attempt, currentAttemptScheduledTimestampMs } = activityInfo();
  const { cloud, operationId } = input;
  const ageMs = currentAttemptScheduledTimestampMs - input.startedAtMs;
  try {
    const polled = await context.cloud(cloud).get(operationId, { method: input.method });
    return { ...polled, operation: checkSize(polled.operation) };
  } catch (err) {
    const isNotFound = err instanceof OperationServiceError && err.code === statusCode('NOT_FOUND');
    const end = terminalFailure(err, { cloud, operationId, ageMs, notFound: isNotFound ? attempt : 0 });
    if (end) throw end;
    const reason = err instanceof Error ? err.message : String(err);
    throw pollAgain(
      `${operationName(cloud, operationId)} could not be polled: ${reason}`,
      nextInterval(input.schedule, ageMs, context.random()),
    );
  }
}
