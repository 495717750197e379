import { WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { operationFailure, type OperationFailure } from '../model/failure';
import type { AnyJson } from '../model/snapshot';

/** An error that ends a command. It is printed as one sentence, without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    message: string,
    readonly exitCode = 1,
  ) {
    super(message);
  }
}

/** How a wait ended. `cancelled`: the wait was cancelled, together with its operation. */
export type Outcome =
  | { outcome: 'succeeded'; response: AnyJson }
  | { outcome: OperationFailure['type']; message: string; failure: OperationFailure }
  | { outcome: 'cancelled' };

/** The exit code of each outcome, for scripts. 1 is any other error, and 130 means that the command detached. */
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
  ResourceConditionFailed: 2,
  ResourceConditionTimedOut: 4,
};

export const DETACHED_EXIT_CODE = 130;
/** The exit code of `cancel` for an operation that succeeded before it could be cancelled. */
export const COMPLETED_EXIT_CODE = 10;
/** The exit code of `orphans` if operations are still running that nothing awaits. */
export const ORPHANS_EXIT_CODE = 11;

/** Resolves to the outcome of a workflow that awaits an operation. Rejects if it ended without one. */
export async function workflowOutcome(result: Promise<AnyJson>): Promise<Outcome> {
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
