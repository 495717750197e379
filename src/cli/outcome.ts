import { WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { operationFailure, type OperationFailure } from '../model/failure';
import type { AnyJson } from '../model/snapshot';

/** What a command cannot go on with: said in one sentence, without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    message: string,
    readonly exitCode = 1,
  ) {
    super(message);
  }
}

/** How a wait ended. `cancelled`: the wait was, and with it the operation. */
export type Outcome =
  | { outcome: 'succeeded'; response: AnyJson }
  | { outcome: OperationFailure['type']; message: string; failure: OperationFailure }
  | { outcome: 'cancelled' };

/** By outcome, so that scripts can tell them apart; 1 is anything else that went wrong, 130 a wait that was left alone. */
export const EXIT_CODES: Record<Outcome['outcome'], number> = {
  succeeded: 0,
  OperationFailed: 2,
  OperationCancelled: 3,
  cancelled: 3,
  OperationTimedOut: 4,
  OperationNotFound: 5,
  OperationStillRunning: 6,
  OperationUnreadable: 7,
  OperationServiceError: 8,
  OperationConfigurationError: 9,
};

export const DETACHED_EXIT_CODE = 130;
/** Of `cancel`, for an operation that succeeded before it could be cancelled. */
export const COMPLETED_EXIT_CODE = 10;
/** Of `orphans`, where operations go on that nobody awaits. */
export const ORPHANS_EXIT_CODE = 11;

/** Resolves to how a workflow that awaits an operation ended; rejects for an end that is not of an operation. */
export async function outcomeOf(result: Promise<AnyJson>): Promise<Outcome> {
  try {
    return { outcome: 'succeeded', response: await result };
  } catch (err) {
    const failure = operationFailure(err);
    if (failure) return { outcome: failure.type, message: failure.message, failure };
    if (!(err instanceof WorkflowFailedError)) throw err;
    if (err.cause instanceof CancelledFailure) return { outcome: 'cancelled' };
    throw new CommandError(`The wait ended without an outcome of its operation: ${err.cause?.message ?? err.message}`);
  }
}
