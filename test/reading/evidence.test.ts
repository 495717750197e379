import { operationFailure } from 'temporal-lro';
import { OperationServiceError } from '../../src/apis/error';
import { decide } from '../../src/cloud/decide';
import { resourceJudge } from '../../src/cloud/judge-resource';
import type { UntilInput } from '../../src/model/contract';
import type { PollRecord } from '../../src/model/evidence';
import { resolveWaitOptions } from '../../src/model/options';
import { statusCode, type StatusCodeName } from '../../src/model/snapshot';

const { schedule } = resolveWaitOptions();
const input: UntilInput = {
  cloud: 'disks',
  method: '/disks.v1.DiskService/Get',
  request: { diskId: 'd1' },
  match: { status: 'READY' },
  startedAtMs: 0,
  schedule,
  by: 'activityRetry',
};
const withTimeout = { awaitsCreation: true };

/** Plays polls at these ages, in seconds. Returns the type of the failure that ends the wait, and when. */
function history(
  given: Partial<UntilInput>,
  ...polls: [ageS: number, outcome: StatusCodeName | 'a reply' | 'unserved'][]
): string {
  const judge = resourceJudge({ ...input, ...given }, { ...input, ...given });
  let record: PollRecord | undefined;
  for (const [ageS, outcome] of polls) {
    const found =
      outcome === 'a reply'
        ? { polled: { reply: { status: 'CREATING' }, problems: [] } }
        : outcome === 'unserved'
          ? { unserved: 'method: no service disks.v1.DiskService in the descriptors of this cloud' }
          : { error: new OperationServiceError('Get', { code: statusCode(outcome), message: 'no' }) };
    const context = { ageMs: ageS * 1000, random: 0.5, ...(record && { record }) };
    const judged = decide(judge, found, context);
    record = judged.record;
    const { decision } = judged;
    if (decision.next === 'fail') return `${operationFailure(decision.failure)?.type} at ${ageS} s`;
    if (decision.next === 'return') return `${decision.result.outcome} at ${ageS} s`;
  }
  return 'goes on';
}

const MISSING: [number, StatusCodeName][] = [1, 4, 7, 12, 30, 80, 200, 100_000].map((ageS) => [ageS, 'NOT_FOUND']);

test.each<[string, Partial<UntilInput>, Parameters<typeof history>[1][], string]>([
  ['without a timeout, NOT_FOUND is final after ten seconds', {}, MISSING, 'OperationNotFound at 12 s'],
  ['with a timeout, NOT_FOUND before the first reply is waited out', withTimeout, MISSING, 'goes on'],
  [
    'after a reply, NOT_FOUND is final after a minute, with or without a timeout',
    withTimeout,
    [[0, 'a reply'], ...MISSING],
    'OperationNotFound at 80 s',
  ],
  ['a few NOT_FOUND answers of lagging replicas are no end', {}, [[0, 'a reply'], ...MISSING.slice(0, 4)], 'goes on'],
  [
    'NOT_FOUND is the end of a wait for absence',
    { match: 'absent' },
    [
      [0, 'a reply'],
      [5, 'NOT_FOUND'],
    ],
    'matched at 5 s',
  ],
  ['a refusal of the first poll ends the wait', {}, [[0, 'PERMISSION_DENIED']], 'OperationServiceError at 0 s'],
  [
    'a refusal after a reply is waited out',
    {},
    [
      [0, 'a reply'],
      [5, 'PERMISSION_DENIED'],
      [900, 'UNAUTHENTICATED'],
    ],
    'goes on',
  ],
  ['a worker that does not know the method ends a wait', {}, [[0, 'unserved']], 'OperationConfigurationError at 0 s'],
  [
    'a worker that no longer knows the method is waited out',
    {},
    [
      [0, 'a reply'],
      [50, 'unserved'],
    ],
    'goes on',
  ],
  [
    'transient errors never end a wait',
    {},
    [
      [0, 'UNAVAILABLE'],
      [900, 'INTERNAL'],
      [9_000, 'UNKNOWN'],
    ],
    'goes on',
  ],
])('%s', (_, given, polls, end) => {
  expect(history(given, ...polls)).toBe(end);
});
