import type { GuardedCloud } from '../test/support/guarded-cloud';
import type { TemporalProcess } from '../test/support/temporal-process';
import type { RecordedCloud } from './cloud';
import type { FaultLog } from './fault-log';
import type { WaitPlan } from './plan';
import type { Proxy } from './proxy';
import type { Random } from './random';
import type { WorkerSlot } from './workers';

/** Everything that faults can affect. */
export interface Scene {
  temporal: TemporalProcess;
  cloud: RecordedCloud;
  /** One for each worker: its process, its token service and endpoint list, and its connections to both. */
  places: readonly [Place, Place];
  waits: ReadonlyMap<string, WaitPlan>;
  log: FaultLog;
  /** The random numbers of faults that affect single calls, whose order varies. */
  random: Random;
}

export interface Place {
  worker: WorkerSlot;
  guard: GuardedCloud;
  toCloud: Proxy;
  toGuard: Proxy;
}
