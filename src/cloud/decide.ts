import { ApplicationFailure } from '@temporalio/common';
import type { DescriptorRegistry } from '../descriptors/registry';
import { BACKOFF_LIMIT, NOT_FOUND_GRACE, pollVerdict, retryDelayMs, YOUNG_MS } from '../model/error-table';
import { toApplicationFailure } from '../model/failure';
import { hintLimitMs, intervalAtAge, nextInterval, WATCH_BELOW_MS, type PollSchedule } from '../model/schedule';
import { isDone, type OperationSnapshot } from '../model/snapshot';
import { operationName, runningText, statusText } from '../model/texts';
import type { Polled } from './cloud';
import { OperationServiceError } from './error';
import { checkResponseType } from './snapshot';

/** One wait as its polls see it: plain JSON, the input of the activity `operation.get`. */
export interface GetInput {
  cloud: string;
  operationId: string;
  /** When the wait began by Temporal's clock, in epoch milliseconds. */
  startedAtMs: number;
  /** Where the schedule began anew, as after a cancellation. @default startedAtMs */
  scheduledFromMs?: number;
  schedule: PollSchedule;
  /** Where intervals of {@link WATCH_BELOW_MS} and more are slept. Undefined: a single look, which returns whatever it finds. */
  by?: 'timer' | 'activityRetry';
  onRollback?: 'wait' | 'fail';
  /** Whether the workflow has started the operation, or has seen it. */
  known?: boolean;
  /** Which wait of the workflow run this is; undefined for a look that is no wait's. */
  wait?: number;
  /** The path of the method that started the operation: its response must have the type which that method promises. */
  method?: string;
}

export interface GetResult {
  operation: OperationSnapshot;
  /** How long the server asked to wait before the next poll. */
  hintMs?: number;
}

/** A poll that has come back, one way or the other. */
export type PollOutcome = { polled: Polled } | { error: unknown };

/** What follows a poll: it is returned, the wait fails for good, or it polls again after `intervalMs`. */
export type Decision =
  | { next: 'return'; result: GetResult }
  | { next: 'fail'; failure: ApplicationFailure }
  | { next: 'poll'; intervalMs: number; message: string };

/** What is known around a poll. */
export interface PollContext {
  ageMs: number;
  /** Polls in a row that have failed, this one included, as far as it is known. */
  failures: number;
  /** Of these, how many in a row found no operation. */
  notFound: number;
  /** Uniform in [0, 1). */
  random: number;
  registry: DescriptorRegistry;
}

/** The age that the schedule follows, of a wait that is `ageMs` old. */
export function scheduleAge({ startedAtMs, scheduledFromMs = startedAtMs }: GetInput, ageMs: number): number {
  return ageMs - (scheduledFromMs - startedAtMs);
}

/** The one place that says what a poll means for its wait. The table of status codes is src/model/error-table.ts. */
export function decide(input: GetInput, outcome: PollOutcome, context: PollContext): Decision {
  if ('error' in outcome) return decideError(input, outcome.error, context);
  try {
    return decidePolled(input, outcome.polled, context);
  } catch (err) {
    return decideError(input, err, context);
  }
}

function decidePolled(input: GetInput, polled: Polled, { ageMs, random, registry }: PollContext): Decision {
  const { operation } = polled;
  const { by, schedule } = input;
  // Infinity and the like are no JSON, and what is over the limit makes no difference.
  const hintMs = Math.min(polled.hintMs ?? 0, hintLimitMs(schedule));
  if (input.method !== undefined) checkResponseType(operation, input.method, registry);
  const ended = isDone(operation) || (operation.state === 'rollingBack' && input.onRollback === 'fail');
  const sleptInWorkflow = by === 'timer' && intervalAtAge(schedule, scheduleAge(input, ageMs)) >= WATCH_BELOW_MS;
  if (ended || by === undefined || sleptInWorkflow) {
    return { next: 'return', result: hintMs > 0 ? { operation, hintMs } : { operation } };
  }
  return {
    next: 'poll',
    intervalMs: nextInterval(schedule, scheduleAge(input, ageMs), random, hintMs),
    message: runningText(operation),
  };
}

function decideError(input: GetInput, error: unknown, { ageMs, failures, notFound, random }: PollContext): Decision {
  // Thrown by ourselves, about an operation that has ended or an input that is wrong.
  if (error instanceof ApplicationFailure) return { next: 'fail', failure: error };
  const { cloud, operationId, schedule } = input;
  const name = operationName(cloud, operationId);
  const again = (scheduleAgeMs: number, hintMs = 0): Decision => ({
    next: 'poll',
    intervalMs: nextInterval(schedule, scheduleAgeMs, random, hintMs),
    message: `${name} could not be polled: ${error instanceof Error ? error.message : String(error)}`,
  });
  const age = scheduleAge(input, ageMs);
  const backOff = (doublings: number): number =>
    doublings > 0 ? intervalAtAge(schedule, age) * Math.min(2 ** doublings, BACKOFF_LIMIT) : 0;
  if (!(error instanceof OperationServiceError)) return again(age, backOff(failures - 1));
  const { code, codeName, rawMessage, details } = error;
  switch (pollVerdict(codeName)) {
    case 'transient': {
      const slower = backOff(codeName === 'RESOURCE_EXHAUSTED' ? failures : failures - 1);
      return again(age, Math.max(slower, retryDelayMs(details)));
    }
    case 'unknown': {
      if (ageMs < YOUNG_MS && notFound <= NOT_FOUND_GRACE) return again(age);
      const message = `${name} is not known to the cloud (${statusText({ codeName, message: rawMessage })}): its outcome is unknown. It has expired, belongs to another cloud or account, or the id is wrong`;
      return {
        next: 'fail',
        failure: toApplicationFailure({ type: 'OperationNotFound', cloud, operationId, message, details }),
      };
    }
    case 'refused': {
      if (ageMs >= YOUNG_MS) return again(Infinity);
      const { message } = error;
      return {
        next: 'fail',
        failure: toApplicationFailure({
          type: 'OperationServiceError',
          cloud,
          operationId,
          code,
          codeName,
          message,
          details,
        }),
      };
    }
  }
}
