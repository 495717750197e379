import { setTimeout as sleep } from 'timers/promises';
import { UNKNOWN_OPERATION } from '../model/evidence';
import { checked, endedFailure, toApplicationFailure, type LastSeen } from '../model/failure';
import { checkOperationId, type ResolvedWaitOptions, resolveWaitOptions } from '../model/options';
import { onlyKeys, plainObject } from '../model/check';
import { endsWait, type AnyJson } from '../model/snapshot';
import { timedOutText } from '../model/texts';
import type { Cloud, Polled } from '../cloud/cloud';
import type { OperationRef } from '../cloud/hosts';
import { decide, type PollOutcome } from '../cloud/decide';
import { operationJudge } from '../cloud/judge-operation';

/** The longest timer that Node supports; longer intervals are shortened to it. */
const MAXIMUM_SLEEP_MS = 2 ** 31 - 1;

/** Waits within this process. Rejects with the same failures as in a workflow, or with the reason of `signal`. */
export async function waitUntilDone(
  cloud: Cloud,
  { operationId, service }: OperationRef,
  options: unknown,
  signal?: AbortSignal,
): Promise<AnyJson> {
  const {
    timeoutMs = Infinity,
    schedule,
    onRollback,
  } = checked(() => checkWait(operationId, options), {
    cloud: cloud.name,
  });
  const input = { cloud: cloud.name, operationId, startedAtMs: 0, schedule, by: 'activityRetry', onRollback } as const;
  const judge = operationJudge(input, cloud);
  // A monotonic clock is enough: nothing here outlives the process.
  const beganAt = performance.now();
  let record = UNKNOWN_OPERATION;
  let seen: LastSeen = {};
  for (;;) {
    signal?.throwIfAborted();
    const outcome = await cloud.get({ operationId, service }, signal).then(
      (polled): PollOutcome<Polled> => ({ polled }),
      (error: unknown): PollOutcome<Polled> => ({ error }),
    );
    signal?.throwIfAborted();
    if ('polled' in outcome) {
      seen = { operation: outcome.polled.operation, lastPolledAt: new Date().toISOString() };
    }
    const ageMs = performance.now() - beganAt;
    const judged = decide(judge, outcome, { ageMs, record, random: Math.random() });
    record = judged.record;
    const { decision } = judged;
    switch (decision.next) {
      case 'fail':
        throw decision.failure;
      case 'return': {
        // Never happens: refusals are returned to workflows only.
        if ('refused' in decision.result) continue;
        const { operation } = decision.result;
        if (operation.state === 'succeeded') return operation.response;
        if (endsWait(operation, onRollback)) throw endedFailure(operation, seen);
        continue;
      }
      case 'poll':
        if (ageMs >= timeoutMs) throw timedOut(cloud.name, operationId, timeoutMs, seen);
        // The last poll is made at the timeout, so that the failure reports the state at that time.
        await sleep(Math.min(decision.intervalMs, timeoutMs - ageMs, MAXIMUM_SLEEP_MS), undefined, { signal }).catch(
          () => signal?.throwIfAborted(),
        );
    }
  }
}

function checkWait(operationId: string, options: unknown): ResolvedWaitOptions {
  checkOperationId(operationId);
  onlyKeys('', plainObject('options', options), ['timeout', 'poll', 'onRollback']);
  return resolveWaitOptions(options);
}

function timedOut(cloud: string, operationId: string, timeoutMs: number, seen: LastSeen): Error {
  const message = timedOutText(cloud, operationId, timeoutMs, seen);
  return toApplicationFailure({ type: 'OperationTimedOut', cloud, operationId, message, details: [], ...seen });
}
