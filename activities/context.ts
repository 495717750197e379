import type { Cloud } from '../src/cloud/cloud';
import { configurationError } from '../src/model/failure';

/** What the activities of a worker share. */
export interface ActivityContext {
  /** The cloud of that name; throws an `OperationConfigurationError` failure that says which are configured. */
  cloud(name: string): Cloud;
  /** Uniform in [0, 1). */
  random(): number;
}

export function createContext(clouds: ReadonlyMap<string, Cloud>, random: () => number): ActivityContext {
  return {
    cloud(name) {
      const found = clouds.get(name);
      if (found) return found;
      const known = [...clouds.keys()].join(', ');
      throw configurationError(
        name,
        `cloud is ${JSON.stringify(name)}, but this worker configures ${known}: name one of these, or add it to the OperationsPlugin`,
      );
    },
    random,
  };
}
