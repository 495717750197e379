import type { GuardedCloud } from '../test/support/guarded-cloud';
import type { TemporalProcess } from '../test/support/temporal-process';
import type { RecordedCloud } from './cloud';
import type { FaultLog } from './fault-log';
import type { WaitPlan } from './plan';
import type { Proxy } from './proxy';
import type { Random } from './random';
import type { WorkerSlot } from './workers';

/** Everything that faults can be done to. */
export interface Scene {
  temporal: TemporalProcess;
  cloud: RecordedCloud;
  /** One a worker each: its process, the token service and endpoint list that it asks, and its connections to both. */
  places: readonly [Place, Place];
  waits: ReadonlyMap<string, WaitPlan>;
  log: FaultLog;
  /** For what a fault does to single calls, which come as they come. */
  random: Random;
}

export interface Place {
  worker: WorkerSlot;
  guard: GuardedCloud;
  toCloud: Proxy;
  toGuard: Proxy;
}
