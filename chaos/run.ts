import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { authorizedKey, GuardedCloud } from '../test/support/guarded-cloud';
import { startTemporalProcess } from '../test/support/temporal-process';
import { RecordedCloud } from './cloud';
import { Control, settleLimitMs } from './control';
import { FaultLog } from './fault-log';
import { describeFault, FAULTS } from './faults';
import type { FaultPlan, Plan, Slot } from './plan';
import { Proxy } from './proxy';
import { Random } from './random';
import { recordWaits, settled, type RunRecord } from './record';
import type { Place, Scene } from './scene';
import { runWait } from './workload';
import { WorkerSlot } from './workers';

const TASK_QUEUE = 'chaos';
const MINUTE_MS = 60_000;
/** The lifetimes of the two workers' tokens. Those of the second worker outlast every step of its clock. */
const TOKEN_LIVES_MS = [20_000, 180 * MINUTE_MS];

export interface RunOptions {
  /** The directory of the database and of the workers' logs. */
  directory: string;
  /** The workflow bundle. */
  codePath: string;
  /** Called when the last fault has ended. */
  healed: () => void;
}

/** Runs a plan: starts everything, injects faults, heals them, and returns the record when all waits have ended. */
export async function run(plan: Plan, { directory, codePath, healed }: RunOptions): Promise<RunRecord> {
  const ends: (() => Promise<void> | void)[] = [];
  try {
    const temporal = await startTemporalProcess([], directory);
    ends.push(() => temporal.remove());
    const cloud = new RecordedCloud(plan.waits);
    await cloud.start();
    ends.push(() => cloud.close());
    const place = (slot: Slot): Promise<Place> =>
      startPlace(slot, cloud, join(directory, `${plan.seed}-worker-${slot + 1}.log`), temporal.address, codePath, ends);
    const places: Scene['places'] = [await place(0), await place(1)];
    cloud.accepts = (slot, token) => places[slot].guard.tokens.has(token);
    await Promise.all(places.map(({ worker }) => worker.start()));
    const connection = await Connection.connect({ address: temporal.address });
    ends.push(() => connection.close());
    const client = new Client({ connection });

    const log = new FaultLog();
    const waits = new Map(plan.waits.map((wait) => [wait.name, wait]));
    const scene: Scene = { temporal, cloud, places, waits, log, random: new Random(plan.seed, 'calls') };
    const control = new Control(client, TASK_QUEUE);
    const controlled = control.start();
    const beganAtMs = Date.now();
    const due = (atMs: number): Promise<void> => sleep(Math.max(0, beganAtMs + atMs - Date.now()));
    const started = plan.waits.map(async (wait) => {
      await due(wait.atMs);
      await runWait(client, TASK_QUEUE, cloud, wait);
    });
    const spoilt = plan.faults.map(async (fault) => {
      await due(fault.atMs);
      await strike(scene, fault);
    });
    await Promise.all([...spoilt, due(plan.faultyMs)]);
    const healedAtMs = Date.now();
    healed();
    await Promise.all(started);
    await settled(client, () => healedAtMs + settleLimitMs(control.runs, healedAtMs));
    control.stop();
    await controlled;
    const settledAtMs = Date.now();
    return {
      ...{ plan, beganAtMs, healedAtMs, settledAtMs, faults: log.faults, control: control.runs },
      waits: await recordWaits(client, scene, plan.waits),
      crashes: places.reduce((sum, { worker }) => sum + worker.crashes, 0),
    };
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

async function startPlace(
  slot: Slot,
  cloud: RecordedCloud,
  logPath: string,
  temporal: string,
  codePath: string,
  ends: (() => Promise<void> | void)[],
): Promise<Place> {
  const key = authorizedKey();
  const guard = await GuardedCloud.start(key.publicKey);
  ends.push(() => guard.close());
  guard.tokenLifeMs = TOKEN_LIVES_MS[slot] ?? MINUTE_MS;
  const toCloud = await Proxy.start(cloud.addresses[slot] ?? '');
  const toGuard = await Proxy.start(guard.address);
  ends.push(
    () => toCloud.close(),
    () => toGuard.close(),
  );
  guard.endpoints = { operation: toCloud.address, fakecloud: toCloud.address, iam: toGuard.address };
  const worker = new WorkerSlot(logPath, () => ({
    ...{ temporal, taskQueue: TASK_QUEUE, codePath },
    ...{ discovery: toGuard.address, key: key.file },
  }));
  ends.push(() => worker.close());
  return { worker, guard, toCloud, toGuard };
}

async function strike(scene: Scene, plan: FaultPlan): Promise<void> {
  const logged = scene.log.begin(plan.kind, plan.slots, describeFault(plan));
  const heal = await FAULTS[plan.kind](scene, plan);
  await sleep(plan.forMs);
  await heal();
  logged();
}
