import type { Polled } from '../src/cloud/cloud';
import { operationJudge } from '../src/cloud/judge-operation';
import { findOperationMethod } from '../src/descriptors/operation-method';
import type { GetInput, GetResult } from '../src/model/contract';
import { operationProgress } from '../src/model/progress';
import { unknownCloudText, type ActivityContext } from './context';
import { boundedOutcome } from './poll';
import type { Served, Subject } from './subject';

/** The operation of a wait. */
export function operationSubject(context: ActivityContext, input: GetInput): Subject<Polled, GetResult> {
  const { cloud, operationId } = input;
  const served = serve(context, input);
  return {
    ...operationJudge(input, typeof served === 'string' ? undefined : served.cloud.registry),
    served,
    fields: { cloud, operationId },
    shown({ operation }) {
      const { percent, step } = operationProgress(operation) ?? {};
      return { state: operation.state, percent, step };
    },
    withSeen: ({ refused }, { operation }, atMs) =>
      refused ? { refused: { ...refused, seen: { operation, atMs } } } : { operation },
    stateOf: (result) => ('operation' in result ? result.operation.state : 'refused'),
  };
}

/** Says, if this worker cannot serve the wait, what to change. */
function serve(context: ActivityContext, { cloud: name, operationId, method }: GetInput): Served<Polled> | string {
  const cloud = context.clouds.get(name);
  if (!cloud) return unknownCloudText(name, context);
  const found = method === undefined ? undefined : findOperationMethod(cloud.registry, method);
  if (typeof found === 'string') return `method: ${found}`;
  const poll: Served<Polled>['poll'] = (signal) => boundedOutcome(cloud.get(operationId, signal));
  return { cloud, key: operationKey(name, operationId), changesBack: false, poll };
}

export function operationKey(cloud: string, operationId: string): string {
  return JSON.stringify([cloud, operationId]);
}
