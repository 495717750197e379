import type { Duration } from '@temporalio/common';
import { MAXIMUM_PAYLOAD_BYTES, utf8Bytes } from './bounds';
import { durationMs, isNil, numberWithin, oneOf, onlyKeys, OptionError, plainObject } from './check';
import type { PollSchedule } from './schedule';
import type { JsonObject } from './snapshot';

/** How to wait for an operation. */
export interface WaitOptions {
  /** How long to wait, measured by Temporal's clock from the start of the wait. @default no limit */
  timeout?: Duration;
  /** When `timeout` passes: `'fail'` leaves the operation alone, `'cancel'` cancels it in the cloud. @default 'fail' */
  onTimeout?: 'fail' | 'cancel';
  /**
   * When to poll: the interval is `ageFraction` of the time waited so far, kept between `initialInterval` and
   * `maximumInterval`, ± `jitter`.
   */
  poll?: {
    /**
     * How to sleep through intervals of 5 s and more: by workflow timers or by retries of one activity. @default
     * 'timer'
     */
    by?: 'timer' | 'activityRetry';
    /** @default 1 s */
    initialInterval?: Duration;
    /** In (0, 1]. With 0.05, the end of a 10-minute operation is noticed at most 36 s late. @default 0.05 */
    ageFraction?: number;
    /** @default 5 min */
    maximumInterval?: Duration;
    /** In [0, 0.5]: 0.2 varies each interval randomly by ± 20 %. @default 0.2 */
    jitter?: number;
  };
  /**
   * What to do when the caller is cancelled: cancel the operation and wait until it ends, cancel it without waiting, or
   * leave it running. @default 'WAIT_CANCELLATION_COMPLETED'
   */
  cancellationType?: 'WAIT_CANCELLATION_COMPLETED' | 'TRY_CANCEL' | 'ABANDON';
  /** How long to wait for a cancelled operation to end. @default 5 min */
  cancelTimeout?: Duration;
  /** When an operation fails and is rolling back: wait until the rollback ends, or fail at once. @default 'wait' */
  onRollback?: 'wait' | 'fail';
}

/** How to start an operation. */
export interface StartOptions {
  /**
   * Identifies the start: a repeated start with the same key returns the same operation. Printable ASCII; Yandex Cloud
   * requires a UUID. @default a UUID generated in the workflow, the same for every attempt
   */
  idempotencyKey?: string;
  /** How long to keep trying to start the operation, by Temporal's clock, whatever the error. @default 10 min */
  startTimeout?: Duration;
}

/** {@link StartOptions}, checked. */
export interface ResolvedStartOptions {
  idempotencyKey?: string;
  startTimeoutMs: number;
}

/** {@link WaitOptions} with every default filled in and durations in milliseconds. */
export interface ResolvedWaitOptions {
  timeoutMs?: number;
  onTimeout: 'fail' | 'cancel';
  by: 'timer' | 'activityRetry';
  schedule: PollSchedule;
  cancellationType: 'WAIT_CANCELLATION_COMPLETED' | 'TRY_CANCEL' | 'ABANDON';
  cancelTimeoutMs: number;
  onRollback: 'wait' | 'fail';
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** The maximum size of an operation id. */
export const MAXIMUM_ID_BYTES = 512;

export const WAIT_OPTION_KEYS = [
  'timeout',
  'onTimeout',
  'poll',
  'cancellationType',
  'cancelTimeout',
  'onRollback',
] as const satisfies readonly (keyof WaitOptions)[];

export const START_OPTION_KEYS = ['idempotencyKey', 'startTimeout'] as const satisfies readonly (keyof StartOptions)[];

function resolveSchedule(poll: Record<string, unknown>): PollSchedule {
  const given = (key: string): number | undefined =>
    isNil(poll[key]) ? undefined : durationMs(`poll.${key}`, poll[key]);
  const initial = given('initialInterval');
  const maximum = given('maximumInterval');
  if (initial !== undefined && maximum !== undefined && maximum < initial) {
    throw new OptionError(
      'poll.maximumInterval',
      poll.maximumInterval,
      `give at least initialInterval (${initial} ms)`,
    );
  }
  return {
    initialIntervalMs: initial ?? Math.min(SECOND, maximum ?? SECOND),
    maximumIntervalMs: maximum ?? Math.max(5 * MINUTE, initial ?? 0),
    ageFraction: numberWithin(
      'poll.ageFraction',
      poll.ageFraction ?? 0.05,
      'give a number in (0, 1]',
      (n) => n > 0 && n <= 1,
    ),
    jitter: numberWithin('poll.jitter', poll.jitter ?? 0.2, 'give a number in [0, 0.5]', (n) => n >= 0 && n <= 0.5),
  };
}

/** Checks wait options and fills in the defaults. Throws an OptionError for the first invalid option. */
export function resolveWaitOptions(options?: unknown): ResolvedWaitOptions {
  const given = plainObject('options', options ?? {});
  onlyKeys('', given, WAIT_OPTION_KEYS);
  const poll = plainObject('poll', given.poll ?? {});
  onlyKeys('poll', poll, ['by', 'initialInterval', 'ageFraction', 'maximumInterval', 'jitter']);
  return {
    ...(isNil(given.timeout) ? {} : { timeoutMs: durationMs('timeout', given.timeout) }),
    onTimeout: oneOf('onTimeout', given.onTimeout ?? 'fail', ['fail', 'cancel']),
    by: oneOf('poll.by', poll.by ?? 'timer', ['timer', 'activityRetry']),
    schedule: resolveSchedule(poll),
    cancellationType: oneOf('cancellationType', given.cancellationType ?? 'WAIT_CANCELLATION_COMPLETED', [
      'WAIT_CANCELLATION_COMPLETED',
      'TRY_CANCEL',
      'ABANDON',
    ]),
    cancelTimeoutMs: durationMs('cancelTimeout', given.cancelTimeout ?? 5 * MINUTE),
    onRollback: oneOf('onRollback', given.onRollback ?? 'wait', ['wait', 'fail']),
  };
}

/** Checks start options and fills in the defaults. Throws an OptionError for the first invalid option. */
export function resolveStartOptions(options: unknown = {}): ResolvedStartOptions {
  const given = plainObject('options', options);
  onlyKeys('', given, START_OPTION_KEYS);
  const { idempotencyKey, startTimeout } = given;
  return {
    ...(isNil(idempotencyKey) ? {} : { idempotencyKey: checkIdempotencyKey(idempotencyKey) }),
    startTimeoutMs: durationMs('startTimeout', startTimeout ?? 10 * MINUTE),
  };
}

/** Checks an idempotency key, which is sent as a header. Throws an OptionError. */
export function checkIdempotencyKey(value: unknown): string {
  if (typeof value !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(value)) {
    throw new OptionError('idempotencyKey', value, 'give a UUID, or 1–256 printable ASCII characters without spaces');
  }
  return value;
}

/**
 * Checks that a request is plain JSON and small enough for Temporal, before it is written to a history. Throws an
 * OptionError that shows none of the contents. The worker checks the request against its method.
 */
export function checkRequestJson(value: unknown, field = 'request'): JsonObject {
  const request = plainObject(field, value);
  let text: string;
  try {
    text = JSON.stringify(request, (key, member: unknown) => {
      const isCarried = typeof member !== 'bigint' && !(typeof member === 'number' && !Number.isFinite(member));
      if (!isCarried)
        throw new OptionError(`a "${key}" in ${field}`, typeof member, 'JSON cannot carry it: give a string');
      return member;
    });
  } catch (err) {
    if (err instanceof OptionError) throw err;
    throw new OptionError(field, 'an object', 'give plain JSON, without cycles');
  }
  const size = utf8Bytes(text);
  if (size <= MAXIMUM_PAYLOAD_BYTES) return request;
  throw new OptionError(field, `${size} bytes of JSON`, `give at most ${MAXIMUM_PAYLOAD_BYTES}`);
}

/** Checks the name of a cloud. Throws an OptionError. */
export function checkCloudName(value: unknown): string {
  if (typeof value !== 'string' || !/^[\w.-]{1,64}$/.test(value)) {
    throw new OptionError(
      'cloud',
      value,
      'give the name of a cloud that the worker configures: 1–64 characters of A–Z a–z 0–9 _ . -',
    );
  }
  return value;
}

/** Checks an operation id. Throws an OptionError. */
export function checkOperationId(value: unknown): string {
  if (isOperationId(value)) return value;
  const rule = `give the id that the cloud returned: a string of 1 to ${MAXIMUM_ID_BYTES} bytes without control characters`;
  throw new OptionError('operationId', value, rule);
}

export function isOperationId(value: unknown): value is string {
  // A lone surrogate cannot be encoded as UTF-8: the cloud would receive another id.
  const isText = typeof value === 'string' && value !== '' && !/[\u0000-\u001f\u007f]|\p{Surrogate}/u.test(value);
  return isText && utf8Bytes(value) <= MAXIMUM_ID_BYTES;
}
