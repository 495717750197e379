import type { GetInput } from '../src/model/contract';
import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Polled } from '../src/cloud/cloud';
import { boundSnapshot, boundText, jsonBytes, MAXIMUM_PAYLOAD_BYTES } from '../src/model/bounds';
import { isNewEvidence, readPollRecord, UNKNOWN_OPERATION, type PollRecord } from '../src/model/evidence';
import { toApplicationFailure } from '../src/model/failure';
import { redact } from '../src/model/redact';
import type { OperationSnapshot } from '../src/model/snapshot';
import { durationText, nameOf } from '../src/model/texts';

/** Awaits a call for an operation and bounds its result to what Temporal can carry. Never rejects. */
export async function boundedOutcome(call: Promise<Polled>): Promise<{ polled: Polled } | { error: unknown }> {
  try {
    const polled = await call;
    return { polled: { ...polled, operation: checkSize(polled.operation) } };
  } catch (error) {
    return { error };
  }
}

/**
 * Returns the snapshot, bounded in size. Throws an `OperationUnreadable` failure if the response is too large: it must
 * not be shortened, since the caller would take it for the real response.
 */
export function checkSize(operation: OperationSnapshot): OperationSnapshot {
  const bounded = boundSnapshot(operation);
  if (bounded.state !== 'succeeded') return bounded;
  const size = jsonBytes(bounded);
  if (size <= MAXIMUM_PAYLOAD_BYTES) return bounded;
  throw toApplicationFailure({
    type: 'OperationUnreadable',
    cloud: operation.cloud,
    operationId: operation.id,
    message: `${nameOf(bounded)} succeeded, but its response is too large: ${size} bytes of JSON, over the limit of ${MAXIMUM_PAYLOAD_BYTES}. Read the resource with a call of your own`,
    details: [],
    operation: bounded,
  });
}

/** The evidence of the wait's polls before this attempt: an earlier attempt leaves it in the heartbeat details. */
export function recordBefore({ info }: Context, input: Pick<GetInput, 'record'>): PollRecord {
  return readPollRecord(info.heartbeatDetails) ?? input.record ?? UNKNOWN_OPERATION;
}

/** Leaves the evidence for the next attempt. A heartbeat is a billed Action, so it is sent only for new evidence. */
export function leaveRecord(activity: Context, before: PollRecord, after: PollRecord): void {
  if (isNewEvidence(before, after)) activity.heartbeat(after);
}

/** The failure for an operation in progress: the server retries after `delayMs`. Benign: no warning, no failure metric. */
export function pollAgain(message: string, delayMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'OperationRunning',
    message: `${boundText(redact(message))}, next poll in ${durationText(delayMs)}`,
    nextRetryDelay: Math.max(1, delayMs),
    category: 'BENIGN',
  });
}
