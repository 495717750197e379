import { ApplicationFailure } from '@temporalio/common';
import { OperationServiceError } from '../src/cloud/error';
import { NOT_FOUND_GRACE, pollVerdict, YOUNG_MS } from '../src/model/error-table';
import { configurationError, toApplicationFailure } from '../src/model/failure';
import { OptionError } from '../src/model/options';
import { durationText, operationName, statusText } from '../src/model/texts';

/** A poll that failed: which operation, how old its wait is, and how many polls in a row found nothing. */
export interface FailedPoll {
  cloud: string;
  operationId: string;
  ageMs: number;
  notFound: number;
}

/**
 * What a failed poll means for the wait: an ApplicationFailure that ends it, or undefined where polling goes on.
 * The table of codes is src/model/error-table.ts.
 */
export function terminalFailure(err: unknown, poll: FailedPoll): ApplicationFailure | undefined {
  const { cloud, operationId } = poll;
  if (err instanceof ApplicationFailure) return err;
  if (err instanceof OptionError) return configurationError(cloud, err.message, operationId);
  if (!(err instanceof OperationServiceError)) return undefined;
  const name = operationName(cloud, operationId);
  switch (pollVerdict(err.codeName)) {
    case 'transient':
      return undefined;
    case 'unknown':
      if (poll.ageMs < YOUNG_MS && poll.notFound <= NOT_FOUND_GRACE) return undefined;
      return toApplicationFailure({
        type: 'OperationNotFound',
        cloud,
        operationId,
        message: `${name} is not known to the cloud (${statusText({ codeName: err.codeName, message: err.rawMessage })}): its outcome is unknown. It has expired, belongs to another cloud or account, or the id is wrong`,
        details: err.details,
      });
    case 'refused':
      if (poll.ageMs >= YOUNG_MS) return undefined;
      return toApplicationFailure({
        type: 'OperationServiceError',
        cloud,
        operationId,
        code: err.code,
        codeName: err.codeName,
        message: err.message,
        details: err.details,
      });
  }
}

/** "Not yet": the attempt ends and the server starts another one after `delayMs`. Quiet in logs and metrics. */
export function pollAgain(message: string, delayMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'OperationRunning',
    message: `${message}, next poll in ${durationText(delayMs)}`,
    nextRetryDelay: delayMs,
    category: 'BENIGN',
  });
}
