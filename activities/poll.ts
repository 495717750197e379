import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Polled } from '../src/cloud/cloud';
import type { PollOutcome } from '../src/cloud/decide';
import { isNotFound } from '../src/cloud/error';
import { toApplicationFailure } from '../src/model/failure';
import { redact } from '../src/model/redact';
import type { AnyJson, OperationSnapshot } from '../src/model/snapshot';
import { durationText, nameOf } from '../src/model/texts';

/** How a call for an operation came back, as far as Temporal can carry it. Never rejects. */
export async function outcomeOf(call: Promise<Polled>): Promise<PollOutcome> {
  try {
    const polled = await call;
    return { polled: { ...polled, operation: checkSize(polled.operation) } };
  } catch (error) {
    return { error };
  }
}

/** Temporal refuses payloads over 2 MB, and retries for ever; codecs make them grow. */
const MAXIMUM_RESULT_BYTES = 1_500_000;
/** Of failure details; the server drops more than 2 MB silently, and people read them. */
const MAXIMUM_FAILURE_BYTES = 256_000;

function bytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '');
}

/** What stands in for a message that is too large to keep. */
function tooLarge(any: AnyJson, size: number): AnyJson {
  return { '@type': any['@type'], problem: `left out: ${size} bytes of JSON are more than Temporal can carry` };
}

/**
 * The snapshot, with a metadata too large to carry left out and said so. Throws an `OperationUnreadable` failure for a
 * response that is too large: the caller must not take a stand-in for it.
 */
export function checkSize(operation: OperationSnapshot): OperationSnapshot {
  if (bytes(operation) <= MAXIMUM_FAILURE_BYTES) return operation;
  const { metadata } = operation;
  const metadataSize = bytes(metadata);
  const lighter =
    metadata && metadataSize > MAXIMUM_FAILURE_BYTES / 2
      ? { ...operation, metadata: tooLarge(metadata, metadataSize) }
      : operation;
  switch (lighter.state) {
    case 'running':
      return lighter;
    case 'rollingBack':
    case 'failed':
      if (bytes(lighter.error) <= MAXIMUM_FAILURE_BYTES / 2) return lighter;
      return {
        ...lighter,
        error: { ...lighter.error, details: lighter.error.details.map((detail) => tooLarge(detail, bytes(detail))) },
      };
    case 'succeeded': {
      const size = bytes(lighter);
      if (size <= MAXIMUM_RESULT_BYTES) return lighter;
      const { response, ...rest } = lighter;
      throw toApplicationFailure({
        type: 'OperationUnreadable',
        cloud: operation.cloud,
        operationId: operation.id,
        message: `${nameOf(operation)} succeeded, but its response is too large: ${size} bytes of JSON, over the limit of ${MAXIMUM_RESULT_BYTES}. Read the resource with a call of your own`,
        details: [],
        operation: { ...rest, response: tooLarge(response, size) },
      });
    }
  }
}

/** How often in a row, up to this attempt, the cloud did not know the operation; heartbeat details tell the next attempt. */
export function notFoundInARow(activity: Context, outcome: PollOutcome): number {
  if (!('error' in outcome && isNotFound(outcome.error))) return 0;
  const { attempt } = activity.info;
  const former: unknown = activity.info.heartbeatDetails;
  const times = isNotFoundRow(former) && former.attempt === attempt - 1 ? former.times + 1 : 1;
  activity.heartbeat({ attempt, times });
  return times;
}

function isNotFoundRow(details: unknown): details is { attempt: number; times: number } {
  return typeof details === 'object' && details !== null && 'attempt' in details && 'times' in details;
}

/** "Not yet": the attempt ends and the server starts another one after `delayMs`. Quiet in logs and metrics. */
export function pollAgain(message: string, delayMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'OperationRunning',
    message: `${redact(message)}, next poll in ${durationText(delayMs)}`,
    nextRetryDelay: Math.max(1, delayMs),
    category: 'BENIGN',
  });
}
