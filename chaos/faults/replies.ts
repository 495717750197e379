import type { StatusCodeName } from '../../src/model/snapshot';
import type { RecordedCall, Spoil } from '../cloud';
import { losesReports, spoilsConnections } from '../fault-log';
import { HOSTILE_REPLIES } from '../hostile';
import type { Scene } from '../scene';
import type { Fault } from './fault';

/** A share of the calls is spoilt by what `spoil` gives, if it gives something. */
function spoilReplies(spoil: (call: RecordedCall, scene: Scene) => Spoil | undefined): Fault {
  return (scene, { share }) => {
    const spoiler = (call: RecordedCall): Spoil | undefined =>
      scene.random.chance(share) ? spoil(call, scene) : undefined;
    scene.cloud.spoilers.add(spoiler);
    return Promise.resolve(() => void scene.cloud.spoilers.delete(spoiler));
  };
}

/** As clouds word them; a start must not take the limit of requests for a quota. */
const MESSAGES: Partial<Record<StatusCodeName, string>> = {
  RESOURCE_EXHAUSTED: 'Request rate limit exceeded, retry later',
  DEADLINE_EXCEEDED: 'upstream request timeout',
};

export const errors: Fault = (scene, plan) => {
  const { code } = plan;
  return spoilReplies(() => ({ code, message: MESSAGES[code] ?? 'The cloud is in trouble' }))(scene, plan);
};

export const lostReplies = spoilReplies(() => ({ lost: true }));

/** Some later than the worker waits. */
export const lateReplies = spoilReplies((_, { random }) => ({ lateMs: random.between(500, 6_500) }));

/** To polls of operations that go on. */
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
/** Of one operation, so far apart: some that come together are taken for an answer. */
const REFUSALS = 2;
const REFUSALS_APART_MS = 3_000;
/** So long ago a reply may be that shows the operation to be known. */
const KNOWN_FOR_MS = 20_000;

/** Operations that the worker knows are refused now and then, as while roles spread through a cloud. */
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
 * Whether the wait must know the operation: it has started it, or the same worker has polled it, and nothing has happened
 * since by which that could have got lost.
 */
function isKnown({ verb, name, slot, atMs }: RecordedCall, { cloud, waits, log }: Scene): boolean {
  const wait = waits.get(name);
  if (!wait) return false;
  if (wait.kind === 'execute' || wait.kind === 'executeOperation' || wait.kind === 'handleCancel') return true;
  // Just before a Cancel the same attempt has polled.
  if (verb === 'Cancel') return true;
  if (wait.cancelAfterMs !== undefined) return false;
  const seen = cloud.callsOf(name).find((call) => call.slot === slot && call.verb === 'Get' && call.answer === 'OK');
  if (seen?.answeredAtMs === undefined || seen.atMs < atMs - KNOWN_FOR_MS) return false;
  const between = log.during(seen.atMs - KNOWN_FOR_MS, atMs);
  return !between.some((fault) => losesReports(fault) || (spoilsConnections(fault) && fault.slots.includes(slot)));
}
