import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { configurationError, operationFailure, toApplicationFailure } from '../src/model/failure';
import { OptionError } from '../src/model/options';
import type { OperationSnapshot } from '../src/model/snapshot';
import { endedText, operationName } from '../src/model/texts';

/** Which cloud and operation a failure is about; not yet checked where the failure is about just that. */
type Subject = { cloud?: unknown; operationId?: unknown } | null | undefined;

/** Runs `work` and turns its errors into what callers get. Synchronous errors included: bad input must not fail the task. */
export async function reported<T>(subject: Subject, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (err) {
    throw callerFailure(err, subject);
  }
}

/**
 * A new failure, without the activity's: a rethrown ActivityFailure would be retried by every parent's policy and show
 * the stack of a worker.
 */
function callerFailure(err: unknown, subject: Subject): unknown {
  const cloud = String(subject?.cloud);
  if (err instanceof OptionError) return configurationError(cloud, err.message);
  if (!(err instanceof ActivityFailure) || !(err.cause instanceof ApplicationFailure)) return err;
  const { message, type, details, nonRetryable } = err.cause;
  if (type === 'PayloadsTooLarge') {
    const operationId = String(subject?.operationId);
    return toApplicationFailure({
      type: 'OperationUnreadable',
      cloud,
      operationId,
      message: `${operationName(cloud, operationId)} cannot be returned: it is larger than the server accepts (${message})`,
      details: [],
    });
  }
  if (!operationFailure(err)) return err;
  return ApplicationFailure.create({
    message,
    ...(type ? { type } : {}),
    ...(details ? { details } : {}),
    nonRetryable: nonRetryable ?? false,
  });
}

/** The failure of an operation that ended with an error, or that is rolling back where the caller will not wait. */
export function endedFailure(
  operation: OperationSnapshot & { state: 'failed' | 'rollingBack' },
  lastPolledAt: string,
): ApplicationFailure {
  const { code, codeName, details } = operation.error;
  return toApplicationFailure({
    type: operation.state === 'failed' && codeName === 'CANCELLED' ? 'OperationCancelled' : 'OperationFailed',
    cloud: operation.cloud,
    operationId: operation.id,
    code,
    codeName,
    message: endedText(operation),
    details,
    operation,
    lastPolledAt,
  });
}
