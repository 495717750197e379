import type { OperationScript } from 'temporal-lro/testing';
import type { WaitOptions } from 'temporal-lro/workflow';
import { HOSTILE_ENDS, type HostileEndName } from './hostile';
import { Random } from './random';

/** Everything random in a run, drawn from its seed in advance: runs of one seed differ only in the machine's timing. */
export interface Plan {
  seed: number;
  /** Faults and starts happen within this time. Then everything heals. */
  faultyMs: number;
  waits: WaitPlan[];
  faults: FaultPlan[];
}

/** The kinds of waits: which workflow of workflows.ts waits, and how it sleeps. */
export const WAIT_KINDS = [
  'timer',
  'activityRetry',
  'awaitOperation',
  'child',
  'execute',
  'executeOperation',
  'handleCancel',
] as const;
export type WaitKind = (typeof WAIT_KINDS)[number];

export interface WaitPlan {
  /** Also the ID of its workflow, and of the resource that its operation creates. */
  name: string;
  atMs: number;
  kind: WaitKind;
  script: OperationScript;
  hostileEnd?: HostileEndName;
  options: WaitOptions;
  /** How long after its start the workflow is cancelled, or cancels its operation itself. */
  cancelAfterMs?: number;
}

export const FAULT_KINDS = [
  'worker-kill',
  'worker-term',
  'worker-stop',
  'server-kill',
  'connection-refused',
  'connection-reset',
  'connection-silent',
  'connection-silent-new',
  'connection-slow',
  'errors',
  'refusals',
  'lost-replies',
  'late-replies',
  'hostile-replies',
  'token-outage',
  'token-revoked',
  'discovery-outage',
  'clock-step',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface FaultPlan {
  kind: FaultKind;
  atMs: number;
  forMs: number;
  /** The affected workers, or those whose connections are affected. */
  slots: Slot[];
  /** The share of affected calls, for faults of calls. */
  share: number;
  /** The code of `errors`. */
  code: ErrorCode;
  /** The size of `clock-step`. */
  stepMs: number;
}

export type Slot = 0 | 1;
export const SLOTS: readonly Slot[] = [0, 1];

/** Codes of transport errors and internal errors of the cloud. */
const ERROR_CODES = [
  'UNAVAILABLE',
  'INTERNAL',
  'UNKNOWN',
  'RESOURCE_EXHAUSTED',
  'DEADLINE_EXCEEDED',
  'ABORTED',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** As many as two cores can carry besides the server and the workers of the run. */
const WAITS_PER_MINUTE = 320;
/** The share of a run with faults. Everything heals in the rest. */
const FAULTY_SHARE = 0.75;
/** The average time from one fault to the next. */
const FAULT_EVERY_MS = 1_800;
const FIRST_FAULT_MS = 2_000;
const LONGEST_OPERATION_MS = 40_000;
const HOUR_MS = 3_600_000;
/** Longer than any fault, so that a cancellation always learns the end. */
const CANCEL_TIMEOUT = '50 s';

export function drawPlan(seed: number, minutes: number, kinds: readonly FaultKind[]): Plan {
  const faultyMs = minutes * 60_000 * FAULTY_SHARE;
  const count = Math.round(WAITS_PER_MINUTE * minutes);
  const waits = Array.from({ length: count }, (_, index) => drawWait(seed, index, faultyMs, kinds));
  return { seed, faultyMs, waits: waits.sort((a, b) => a.atMs - b.atMs), faults: drawFaults(seed, faultyMs, kinds) };
}

function drawWait(seed: number, index: number, faultyMs: number, kinds: readonly FaultKind[]): WaitPlan {
  const random = new Random(seed, `wait ${index}`);
  const name = `chaos-${seed}-${index}`;
  // Some operations end just after healing, but none much later, so that runs stay short.
  const atMs = random.between(0, faultyMs * 0.93);
  const longestMs = Math.min(LONGEST_OPERATION_MS, faultyMs + 5_000 - atMs);
  const after = random.chance(0.1) ? 0 : random.between(0, random.chance(0.1) ? longestMs : longestMs / 2);
  const kind = random.pick(WAIT_KINDS);
  const hostile = kinds.includes('hostile-replies') && kind !== 'handleCancel' && random.chance(0.15);
  const isCancelled = kind === 'handleCancel' || (!hostile && random.chance(0.2));
  return {
    name,
    atMs,
    kind,
    script: { after, ...drawEnd(random, name, after), ...(isCancelled && { onCancel: drawOnCancel(random) }) },
    ...(hostile && { hostileEnd: drawHostileEnd(random) }),
    options: drawOptions(random, kind),
    ...(isCancelled && { cancelAfterMs: random.between(0, 15_000) }),
  };
}

function drawHostileEnd(random: Random): HostileEndName {
  const names = Object.keys(HOSTILE_ENDS);
  const [name = 'neither response nor error'] = random.shuffled(names).filter(isHostileEnd);
  return name;
}

function isHostileEnd(name: string): name is HostileEndName {
  return Object.hasOwn(HOSTILE_ENDS, name);
}

function drawEnd(
  random: Random,
  name: string,
  after: number,
): Pick<OperationScript, 'rollback'> &
  ({ response: { '@type': string; id: string } } | { error: { code: number; message: string } }) {
  if (random.chance(0.7)) return { response: { '@type': 'fakecloud.v1.Cluster', id: name } };
  const code = random.pick([1, 3, 8, 9, 13, 14]);
  return { error: { code, message: `${name} failed` }, ...(random.chance(0.4) && { rollback: Math.round(after / 3) }) };
}

function drawOnCancel(random: Random): NonNullable<OperationScript['onCancel']> {
  return random.pick([
    'cancels',
    'cancels',
    'completes',
    'ignores',
    { completesAfter: 3_000 },
    { cancelsAfter: 3_000, rollback: 1_000 },
    { refuses: { code: 12, message: 'not supported' } },
  ]);
}

function drawOptions(random: Random, kind: WaitKind): WaitOptions {
  const by = kind === 'timer' || kind === 'activityRetry' ? kind : random.pick(['timer', 'activityRetry']);
  const initialInterval = random.pick(['500 ms', '1 s', '1 s', '2 s', '5 s']);
  const cancellationType = random.pick([
    'WAIT_CANCELLATION_COMPLETED',
    'WAIT_CANCELLATION_COMPLETED',
    'WAIT_CANCELLATION_COMPLETED',
    'TRY_CANCEL',
    'ABANDON',
  ]);
  return { poll: { by, initialInterval, ageFraction: 0.1 }, cancellationType, cancelTimeout: CANCEL_TIMEOUT };
}

/** Draws every kind once before any again. Faults of one worker, one connection or the server do not overlap. */
function drawFaults(seed: number, faultyMs: number, kinds: readonly FaultKind[]): FaultPlan[] {
  const random = new Random(seed, 'faults');
  const faults: FaultPlan[] = [];
  const freeAt = new Map<string, number>();
  let queue: FaultKind[] = [];
  for (let atMs = FIRST_FAULT_MS; atMs < faultyMs - 1_000; atMs += random.between(0, 2 * FAULT_EVERY_MS)) {
    if (queue.length === 0) queue = random.shuffled(kinds);
    const kind = queue.shift();
    if (kind === undefined) break;
    const slots: Slot[] = random.chance(0.3) && !kind.startsWith('worker') ? [0, 1] : [random.pick([0, 1])];
    const places = placesOf(kind, slots);
    const beginsAtMs = Math.max(atMs, ...places.map((place) => freeAt.get(place) ?? 0));
    if (beginsAtMs >= faultyMs - 1_000) continue;
    const forMs = Math.min(random.between(1_000, 7_000), faultyMs - beginsAtMs);
    for (const place of places) freeAt.set(place, beginsAtMs + forMs);
    faults.push({
      kind,
      atMs: beginsAtMs,
      forMs,
      // The tokens of the first worker are short-lived by the token service's clock.
      slots: kind === 'clock-step' ? [1] : slots,
      share: random.pick([0.3, 0.6, 1]),
      code: random.pick(ERROR_CODES),
      stepMs: random.pick([-HOUR_MS, HOUR_MS]),
    });
  }
  return faults;
}

function placesOf(kind: FaultKind, slots: readonly Slot[]): string[] {
  const [place = ''] = kind.split('-');
  switch (kind) {
    case 'server-kill':
    case 'errors':
    case 'refusals':
    case 'lost-replies':
    case 'late-replies':
    case 'hostile-replies':
      return [place];
    // This fault kills the worker, since a running one does not fetch endpoints again for an hour.
    case 'discovery-outage':
      return slots.flatMap((slot) => [`worker ${slot}`, `identity ${slot}`]);
    case 'token-outage':
    case 'token-revoked':
      return slots.map((slot) => `identity ${slot}`);
    case 'clock-step':
      return ['clock'];
    default:
      return slots.map((slot) => `${place} ${slot}`);
  }
}
