import type { Cloud } from '../src/cloud/cloud';
import type { GetInput, GetResult, OperationSeen, RefusedPoll } from '../src/cloud/decide';
import { CANCEL_ACTIVITY, GET_ACTIVITY, START_ACTIVITY } from '../src/model/names';
import { cancelOperation, type CancelInput, type CancelResult } from './cancel';
import { getOperation } from './get';
import { startOperation, type StartInput, type StartResult } from './start';
import { Watcher } from './watcher';

export type { CancelInput, CancelResult, GetInput, GetResult, OperationSeen, RefusedPoll, StartInput, StartResult };

/** The activities by their names on the wire. */
export type OperationActivities = {
  [GET_ACTIVITY](input: GetInput): Promise<GetResult>;
  [CANCEL_ACTIVITY](input: CancelInput): Promise<CancelResult>;
  [START_ACTIVITY](input: StartInput): Promise<StartResult>;
};

/**
 * The activities over some configured clouds, and how to give back what they watch when the worker of a task queue shuts
 * down.
 */
export function createActivities(
  clouds: ReadonlyMap<string, Cloud>,
  random: () => number = Math.random,
  maximumLeases?: number,
): { activities: OperationActivities; giveBackLeases: (taskQueue: string) => Promise<void> } {
  const watcher = new Watcher(random, maximumLeases);
  const context = { clouds, watcher, random };
  return {
    activities: {
      [GET_ACTIVITY]: (input) => getOperation(context, input),
      [CANCEL_ACTIVITY]: (input) => cancelOperation(context, input),
      [START_ACTIVITY]: (input) => startOperation(context, input),
    },
    giveBackLeases: (taskQueue) => watcher.giveBackAll(taskQueue),
  };
}
