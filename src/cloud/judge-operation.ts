import type { DescriptorRegistry } from '../descriptors/registry';
import type { GetInput, GetResult } from '../model/contract';
import { isNotFoundFinal } from '../model/evidence';
import { toApplicationFailure } from '../model/failure';
import { endsWait } from '../model/snapshot';
import { operationName, runningText, statusText } from '../model/texts';
import type { Polled } from './cloud';
import { boundedHint, type Judge } from './decide';
import { checkResponseType } from './to-snapshot';

/** Judges the polls of an operation: its wait ends when it is done. `registry` checks the type of its response. */
export function operationJudge(input: GetInput, registry: DescriptorRegistry | undefined): Judge<Polled, GetResult> {
  const { cloud, operationId, method, onRollback } = input;
  const name = operationName(cloud, operationId);
  return {
    input,
    name,
    operationId,
    judge({ operation, hintMs }) {
      if (method !== undefined && registry) checkResponseType(operation, method, registry);
      const hint = boundedHint(input, hintMs);
      const result = { operation, ...hint };
      return endsWait(operation, onRollback)
        ? { ended: result }
        : { pending: result, message: runningText(operation), ...hint };
    },
    notFound({ codeName, rawMessage, details }, record, ageMs) {
      if (!isNotFoundFinal(record, ageMs)) return undefined;
      const message = `${name} is not known to the cloud (${statusText({ codeName, message: rawMessage })}): its outcome is unknown. It has expired, belongs to another cloud or account, or the id is wrong`;
      return toApplicationFailure({ type: 'OperationNotFound', cloud, operationId, message, details });
    },
    refused: (refused) => ({ refused }),
  };
}
