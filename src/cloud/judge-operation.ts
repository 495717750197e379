import type { ApplicationFailure } from '@temporalio/common';
import type { GetInput, GetResult } from '../model/contract';
import { isNotFoundFinal } from '../model/evidence';
import { toApplicationFailure } from '../model/failure';
import { endsWait, type AnyJson, type OperationSnapshot } from '../model/snapshot';
import { nameOf, operationName, runningText, statusText } from '../model/texts';
import type { Cloud, Polled } from './cloud';
import { boundedHint, type Judge } from './decide';
import { checkResponseType } from './to-snapshot';

/** Judges the polls of an operation: its wait ends when it is done. `served` checks the type of its response. */
export function operationJudge(
  input: GetInput,
  served: Pick<Cloud, 'findStart'> | undefined,
): Judge<Polled, GetResult> {
  const { cloud, operationId, method, onRollback } = input;
  const name = operationName(cloud, operationId);
  return {
    input,
    name,
    operationId,
    judge({ operation, hintMs }) {
      if (method !== undefined && served) checkResponseType(operation, method, served);
      const hint = boundedHint(input, hintMs);
      const result = { operation, ...hint };
      return endsWait(operation, onRollback)
        ? { ended: result }
        : { pending: result, message: runningText(operation), ...hint };
    },
    notFound({ codeName, rawMessage, details, message: reason, operation }, record, ageMs) {
      if (!isNotFoundFinal(record, ageMs)) return undefined;
      if (operation) return unreadResource(operation, reason, details);
      const message = `${name} is not known to the cloud (${statusText({ codeName, message: rawMessage })}): its outcome is unknown. It has expired, belongs to another cloud or account, or the id is wrong`;
      return toApplicationFailure({ type: 'OperationNotFound', cloud, operationId, message, details });
    },
    refused: (refused) => ({ refused }),
  };
}

/** The operation has succeeded, but its resource is not there to read. */
function unreadResource(operation: OperationSnapshot, reason: string, details: AnyJson[]): ApplicationFailure {
  const { cloud, id: operationId } = operation;
  const message = `${nameOf(operation)} succeeded, but its resource cannot be read: ${reason}. It may have been deleted since`;
  return toApplicationFailure({ type: 'OperationUnreadable', cloud, operationId, message, details, operation });
}
