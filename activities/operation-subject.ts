import type { Polled } from '../src/cloud/cloud';
import { operationJudge } from '../src/cloud/judge-operation';
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
    ...operationJudge(input, typeof served === 'string' ? undefined : served.cloud),
    served,
    fields: { cloud, operationId },
    shown({ operation }) {
      const { percent, step } = operationProgress(operation) ?? {};
      return { state: operation.state, percent, step };
    },
    withSeen:
      ({ operation }, atMs) =>
      ({ refused }) =>
        refused ? { refused: { ...refused, seen: { operation, atMs } } } : { operation },
    stateOf: (result) => ('operation' in result ? result.operation.state : 'refused'),
  };
}

/** Says, if this worker cannot serve the wait, what to change. */
function serve(context: ActivityContext, input: GetInput): Served<Polled> | string {
  const { cloud: name, operationId, method } = input;
  const cloud = context.clouds.get(name);
  if (!cloud) return unknownCloudText(name, context);
  const found = method === undefined ? undefined : cloud.findStart(method);
  if (typeof found === 'string') return `method: ${found}`;
  const poll: Served<Polled>['poll'] = (signal) => boundedOutcome(cloud.get(input, signal));
  const key = JSON.stringify([name, cloud.keyOf(input)]);
  return { cloud, key, group: operationGroup(name, operationId), changesBack: false, poll };
}

export function operationGroup(cloud: string, operationId: string): string {
  return JSON.stringify([cloud, operationId]);
}
