import type { Cloud } from '../src/cloud/cloud';
import { CANCEL_ACTIVITY, GET_ACTIVITY } from '../src/model/names';
import { cancelOperation, type CancelInput, type CancelResult } from './cancel';
import { createContext } from './context';
import { getOperation, type GetInput, type GetResult } from './get';

export type { CancelInput, CancelResult, GetInput, GetResult };

/** The activities by their names on the wire. */
export type OperationActivities = {
  [GET_ACTIVITY](input: GetInput): Promise<GetResult>;
  [CANCEL_ACTIVITY](input: CancelInput): Promise<CancelResult>;
};

/** The activities over some configured clouds. `random` is uniform in [0, 1). */
export function createActivities(
  clouds: ReadonlyMap<string, Cloud>,
  random: () => number = Math.random,
): OperationActivities {
  const context = createContext(clouds, random);
  return {
    [GET_ACTIVITY]: (input) => getOperation(context, input),
    [CANCEL_ACTIVITY]: (input) => cancelOperation(context, input),
  };
}
