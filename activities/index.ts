import type { Cloud } from '../src/cloud/cloud';
import { CANCEL_ACTIVITY, GET_ACTIVITY } from '../src/model/names';
import { cancelOperation, type CancelInput, type CancelResult } from './cancel';
import type { GetInput, GetResult } from './decide';
import { getOperation } from './get';
import { Watcher } from './watcher';

export type { CancelInput, CancelResult, GetInput, GetResult };

/** The activities by their names on the wire. */
export type OperationActivities = {
  [GET_ACTIVITY](input: GetInput): Promise<GetResult>;
  [CANCEL_ACTIVITY](input: CancelInput): Promise<CancelResult>;
};

/** The activities over some configured clouds, and how to give back what they watch when the worker shuts down. */
export function createActivities(
  clouds: ReadonlyMap<string, Cloud>,
  random: () => number = Math.random,
): { activities: OperationActivities; giveBackLeases: () => Promise<void> } {
  const watcher = new Watcher(random);
  const context = { clouds, watcher, random };
  return {
    activities: {
      [GET_ACTIVITY]: (input) => getOperation(context, input),
      [CANCEL_ACTIVITY]: (input) => cancelOperation(context, input),
    },
    giveBackLeases: () => watcher.giveBackAll(),
  };
}
