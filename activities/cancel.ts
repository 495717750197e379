import { activityInfo } from '@temporalio/activity';
import type { Cloud, Polled } from '../src/cloud/cloud';
import { decide } from '../src/cloud/decide';
import { OperationServiceError } from '../src/cloud/error';
import { configurationError } from '../src/model/failure';
import { resolveWaitOptions } from '../src/model/options';
import { isDone, type OperationSnapshot, type OperationStatus } from '../src/model/snapshot';
import { unknownCloudText, type ActivityContext } from './context';
import { outcomeOf, pollAgain } from './poll';

export interface CancelInput {
  cloud: string;
  operationId: string;
}

/** What came of the request. `operation` is the state right after it. */
export interface CancelResult {
  operation: OperationSnapshot;
  /** Why the cloud did not accept the request: it does not support it, or not in this state, or not from us. */
  refused?: OperationStatus;
}

/** Codes by which a cloud says that it will not cancel, as opposed to trouble in transit. */
const REFUSALS = ['UNIMPLEMENTED', 'FAILED_PRECONDITION', 'INVALID_ARGUMENT', 'PERMISSION_DENIED', 'UNAUTHENTICATED'];

/**
 * Activity `operation.cancel`: drops the watch of the waiting workflow, polls, and sends Cancel unless the operation is
 * done: a late Cancel is known to overwrite the outcome of a finished one. Trouble in transit is retried by the server.
 */
export async function cancelOperation(context: ActivityContext, input: CancelInput): Promise<CancelResult> {
  const { cloud: name, operationId } = input;
  const cloud = context.clouds.get(name);
  if (!cloud) throw configurationError(name, unknownCloudText(name, context), operationId);
  context.watcher.drop(name, operationId, activityInfo().workflowExecution?.runId);
  const before = await settled(context, cloud, input, cloud.get(operationId));
  if (isDone(before)) return { operation: before };
  const cancelled = cloud.cancel(operationId);
  try {
    await cancelled;
  } catch (err) {
    if (err instanceof OperationServiceError && REFUSALS.includes(err.codeName)) {
      const { code, codeName, rawMessage: message, details } = err;
      return { operation: before, refused: { code, codeName, message, details } };
    }
  }
  return { operation: await settled(context, cloud, input, cancelled) };
}

/** The snapshot of a call; throws what ends the activity, or "again" for what does not. */
async function settled(
  context: ActivityContext,
  cloud: Cloud,
  input: CancelInput,
  call: Promise<Polled>,
): Promise<OperationSnapshot> {
  const { schedule } = resolveWaitOptions();
  const decision = decide({ ...input, startedAtMs: 0, schedule }, await outcomeOf(call), {
    ageMs: 0,
    failures: 1,
    // The wait has found the operation before: only a new one is forgiven.
    notFound: Infinity,
    random: context.random(),
    registry: cloud.registry,
  });
  switch (decision.next) {
    case 'return':
      return decision.result.operation;
    case 'fail':
      throw decision.failure;
    case 'poll':
      throw pollAgain(decision.message, decision.intervalMs);
  }
}
