import { OperationServiceError } from '../src/cloud/error';
import { isDone, type OperationSnapshot, type OperationStatus } from '../src/model/snapshot';
import { checkSize } from './payload-size';
import { terminalFailure } from './poll-failure';
import type { ActivityContext } from './context';

export interface CancelInput {
  cloud: string;
  operationId: string;
}

/** What came of the request. `operation` is the state right after it. */
export interface CancelResult {
  operation: OperationSnapshot;
  /** Why the cloud did not accept the request: it does not support it, or not in this state. */
  refused?: OperationStatus;
}

/** Codes by which a cloud says that the operation will not be cancelled, as opposed to trouble in transit. */
const REFUSALS = ['UNIMPLEMENTED', 'FAILED_PRECONDITION', 'INVALID_ARGUMENT', 'PERMISSION_DENIED', 'UNAUTHENTICATED'];

/**
 * Activity `operation.cancel`: polls, and sends Cancel unless the operation is done: a late Cancel is known to
 * overwrite the outcome of a finished one. Trouble in transit is retried by the server.
 */
export async function cancelOperation(context: ActivityContext, input: CancelInput): Promise<CancelResult> {
  const { cloud: name, operationId } = input;
  const cloud = context.cloud(name);
  const failed = { cloud: name, operationId, ageMs: 0, notFound: Infinity };
  let operation: OperationSnapshot;
  try {
    operation = checkSize((await cloud.get(operationId)).operation);
  } catch (err) {
    throw terminalFailure(err, failed) ?? err;
  }
  if (isDone(operation)) return { operation };
  try {
    return { operation: checkSize((await cloud.cancel(operationId)).operation) };
  } catch (err) {
    if (err instanceof OperationServiceError && REFUSALS.includes(err.codeName)) {
      const { code, codeName, rawMessage: message, details } = err;
      return { operation, refused: { code, codeName, message, details } };
    }
    throw terminalFailure(err, failed) ?? err;
  }
}
