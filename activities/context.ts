import type { Called } from '../src/cloud/call';
import type { Cloud, Polled } from '../src/cloud/cloud';
import type { GetResult, UntilResult } from '../src/model/contract';
import type { Watcher } from './watcher';

/** What the activities of a worker share. */
export interface ActivityContext {
  /** The configured clouds, by the names that workflows use. */
  clouds: ReadonlyMap<string, Cloud>;
  watcher: Watcher<Polled, GetResult>;
  resourceWatcher: Watcher<Called, UntilResult>;
  /** Uniform in [0, 1). */
  random(): number;
}

/** The message for a cloud that this worker does not configure. */
export function unknownCloudText(name: string, { clouds }: ActivityContext): string {
  const known = [...clouds.keys()].join(', ');
  return `cloud is ${JSON.stringify(name)}, but this worker configures ${known}: name one of these, or add it to the OperationsPlugin`;
}
