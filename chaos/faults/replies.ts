import type { StatusCodeName } from '../../src/model/snapshot';
import type { RecordedCall, Spoil } from '../cloud';
import { losesReports, spoilsConnections } from '../fault-log';
import { HOSTILE_REPLIES } from '../hostile';
import type { Scene } from '../scene';
import type { Fault } from './fault';

/** Applies the result of `spoil`, if any, to a share of the calls. */
function spoilReplies(spoil: (call: RecordedCall, scene: Scene) => Spoil | undefined): Fault {
  return (scene, { share }) => {
    const spoiler = (call: RecordedCall): Spoil | undefined =>
      scene.random.chance(share) ? spoil(call, scene) : undefined;
    scene.cloud.spoilers.add(spoiler);
    return Promise.resolve(() => void scene.cloud.spoilers.delete(spoiler));
  };
}

/** Messages as real clouds send them. A start must not take the rate limit for a quota. */
const MESSAGES: Partial<Record<StatusCodeName, string>> = {
  RESOURCE_EXHAUSTED: 'Request rate limit exceeded, retry later',
  DEADLINE_EXCEEDED: 'upstream request timeout',
};

export const errors: Fault = (scene, plan) => {
  const { code } = plan;
  return spoilReplies(() => ({ code, message: MESSAGES[code] ?? 'The cloud is in trouble' }))(scene, plan);
};

export const lostReplies = spoilReplies(() => ({ lost: true }));

/** Delays replies, some for longer than the worker's timeout. */
export const lateReplies = spoilReplies((_, { random }) => ({ lateMs: random.between(500, 6_500) }));

/** Sends hostile replies to polls of operations in progress. */
export const hostileReplies = spoilReplies(({ verb, name, operationId = '' }, { random, cloud }) => {
  const isOver = cloud.truthsOf(name).some(({ id, endsAtMs }) => id === operationId && endsAtMs <= Date.now());
  if (verb !== 'Get' || isOver) return undefined;
  return { body: HOSTILE_REPLIES[random.between(0, HOSTILE_REPLIES.length)]?.(operationId) ?? Buffer.alloc(0) };
});

const GET_REFUSALS = [
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'NOT_FOUND',
  'FAILED_PRECONDITION',
  'UNIMPLEMENTED',
  'INVALID_ARGUMENT',
] as const;
const CANCEL_REFUSALS = ['PERMISSION_DENIED', 'UNAUTHENTICATED', 'NOT_FOUND'] as const;
/** How many refusals of one operation are sent. The worker takes several in a row for the cloud's answer. */
const REFUSALS = 2;
const REFUSALS_APART_MS = 3_000;
/** How old a reply may be that proves that the wait knows the operation. */
const KNOWN_FOR_MS = 20_000;

/** Refuses calls for known operations now and then, as while a role change propagates through a cloud. */
export const refusals = spoilReplies((call, scene) => {
  const { verb, name, atMs } = call;
  const refused = scene.cloud.callsOf(name).filter((former) => former.verb === verb && isRefusal(former));
  const isTooMany = refused.length >= (verb === 'Get' ? REFUSALS : 1);
  if (isTooMany || (refused.at(-1)?.atMs ?? 0) > atMs - REFUSALS_APART_MS) return undefined;
  if (verb === 'Start' || !isKnown(call, scene)) return undefined;
  const code = verb === 'Get' ? scene.random.pick(GET_REFUSALS) : scene.random.pick(CANCEL_REFUSALS);
  return { code, message: REFUSED };
});

const REFUSED = 'Refused for the moment';

function isRefusal({ answer }: RecordedCall): boolean {
  return answer?.includes(REFUSED) ?? false;
}

/**
 * Whether the wait must know the operation: it has started it, or the same worker has polled it, and no fault since
 * then can have lost this knowledge.
 */
function isKnown({ verb, name, slot, atMs }: RecordedCall, { cloud, waits, log }: Scene): boolean {
  const wait = waits.get(name);
  if (!wait) return false;
  if (wait.kind === 'execute' || wait.kind === 'executeOperation' || wait.kind === 'handleCancel') return true;
  // The attempt that sends Cancel has just polled.
  if (verb === 'Cancel') return true;
  if (wait.cancelAfterMs !== undefined) return false;
  const seen = cloud.callsOf(name).find((call) => call.slot === slot && call.verb === 'Get' && call.answer === 'OK');
  if (seen?.answeredAtMs === undefined || seen.atMs < atMs - KNOWN_FOR_MS) return false;
  const between = log.during(seen.atMs - KNOWN_FOR_MS, atMs);
  return !between.some((fault) => losesReports(fault) || (spoilsConnections(fault) && fault.slots.includes(slot)));
}
