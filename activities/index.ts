import type { OperationActivities } from '../src/model/contract';
import type { Cloud } from '../src/cloud/cloud';
import { CALL_ACTIVITY, CANCEL_ACTIVITY, GET_ACTIVITY, START_ACTIVITY, UNTIL_ACTIVITY } from '../src/model/names';
import { callMethod } from './call';
import { cancelOperation } from './cancel';
import type { ActivityContext } from './context';
import { getOperation, getUntilMatched } from './get';
import { startOperation } from './start';
import { Watcher } from './watcher';

/**
 * Creates the activities for the configured clouds. Call `giveBackLeases` when the worker of a task queue shuts down:
 * it returns the watched waits to the server.
 */
export function createActivities(
  clouds: ReadonlyMap<string, Cloud>,
  random: () => number = Math.random,
  maximumLeases?: number,
): { activities: OperationActivities; giveBackLeases: (taskQueue: string) => Promise<void> } {
  const watcher: ActivityContext['watcher'] = new Watcher(random, maximumLeases);
  const resourceWatcher: ActivityContext['resourceWatcher'] = new Watcher(random, maximumLeases);
  const context = { clouds, watcher, resourceWatcher, random };
  return {
    activities: {
      [GET_ACTIVITY]: (input) => getOperation(context, input),
      [CANCEL_ACTIVITY]: (input) => cancelOperation(context, input),
      [START_ACTIVITY]: (input) => startOperation(context, input),
      [CALL_ACTIVITY]: (input) => callMethod(context, input),
      [UNTIL_ACTIVITY]: (input) => getUntilMatched(context, input),
    },
    async giveBackLeases(taskQueue) {
      await Promise.all([watcher, resourceWatcher].map((one) => one.giveBackAll(taskQueue)));
    },
  };
}
