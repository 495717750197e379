import { ApplicationFailure } from '@temporalio/common';
import { boundForFailure, boundStatus, boundText, jsonBytes, MAXIMUM_FAILURE_BYTES } from './bounds';
import { isObject, OptionError } from './check';
import { redact, redactDetail } from './redact';
import type { AnyJson, JsonObject, OperationSnapshot } from './snapshot';
import { endedText } from './texts';

interface FailureBase {
  cloud: string;
  operationId?: string;
  /** One line: which operation, what happened and why. */
  message: string;
  /** The decoded `google.rpc.Status` details; empty when there are none. */
  details: AnyJson[];
  /** The operation as last seen. */
  operation?: OperationSnapshot;
  /** RFC 3339, by Temporal's clock. */
  lastPolledAt?: string;
}
interface FailureEnded extends FailureBase {
  operationId: string;
  /** A google.rpc.Code. */
  code: number;
  codeName: string;
  operation: OperationSnapshot & { state: 'failed' | 'rollingBack' };
}

/** Why a caller got no response. Discriminated by `type`, which is also the type of the ApplicationFailure. */
export type OperationFailure =
  | (FailureEnded & { type: 'OperationFailed' | 'OperationCancelled' })
  | (FailureBase & {
      type: 'OperationTimedOut' | 'OperationStillRunning' | 'OperationNotFound' | 'OperationUnreadable';
      operationId: string;
    })
  | (FailureBase & { type: 'OperationServiceError'; code: number; codeName: string })
  | (FailureBase & { type: 'OperationConfigurationError' })
  | (FailureBase & {
      type: 'ResourceConditionFailed' | 'ResourceConditionTimedOut';
      /** The path of the reading method. */
      method: string;
      /** The last reply; absent if there was none. A large one has only its short fields. */
      reply?: JsonObject;
    });

type OperationFailureType = OperationFailure['type'];

const TYPES: Record<OperationFailureType, true> = {
  OperationFailed: true,
  OperationCancelled: true,
  OperationTimedOut: true,
  OperationStillRunning: true,
  OperationNotFound: true,
  OperationUnreadable: true,
  OperationServiceError: true,
  OperationConfigurationError: true,
  ResourceConditionFailed: true,
  ResourceConditionTimedOut: true,
};

function isFailureType(type: unknown): type is OperationFailureType {
  return typeof type === 'string' && Object.hasOwn(TYPES, type);
}

/**
 * Creates the ApplicationFailure for `failure`: its `type`, its message, and the rest as `details[0]`, redacted and
 * bounded. If the details exceed 256 kB, the contents of the snapshot are dropped first, then the status details.
 */
export function toApplicationFailure(failure: OperationFailure, nonRetryable = true): ApplicationFailure {
  const { type, ...given } = failure;
  const message = boundText(redact(given.message));
  const { details } = boundStatus({ code: 0, codeName: '', message: '', details: given.details.map(redactDetail) });
  const full = { ...given, message, details, ...(given.operation && { operation: boundForFailure(given.operation) }) };
  const lighter = { ...full, ...(full.operation && { operation: operationWithoutContents(full.operation) }) };
  const bounded = [full, lighter].find((one) => jsonBytes(one) <= MAXIMUM_FAILURE_BYTES) ?? { ...lighter, details: [] };
  return ApplicationFailure.create({ type, message, nonRetryable, details: [bounded] });
}

/**
 * A copy of an operation failure with only the fields that its type guarantees, for a failure that is too large to
 * report. Undefined for any other failure.
 */
export function withoutContents(failure: ApplicationFailure): ApplicationFailure | undefined {
  const ours = operationFailure(failure);
  if (!ours) return undefined;
  const { message, type, nonRetryable } = failure;
  const { type: _, operation, ...rest } = ours;
  const light = {
    ...rest,
    details: [],
    reply: undefined,
    ...(operation && { operation: operationWithoutContents(operation) }),
  };
  return ApplicationFailure.create({
    message,
    nonRetryable: nonRetryable ?? false,
    details: [light],
    type: type ?? '',
  });
}

function operationWithoutContents(operation: OperationSnapshot): OperationSnapshot {
  const { metadata: _, problems: __, ...rest } = operation;
  switch (rest.state) {
    case 'running':
      return rest;
    case 'rollingBack':
    case 'failed':
      return { ...rest, error: { ...rest.error, details: [] } };
    case 'succeeded':
      return { ...rest, response: { '@type': rest.response['@type'], problem: 'left out: too large for a failure' } };
  }
}

/**
 * Finds an operation failure in an error or its `cause` chain (activity, child workflow, Nexus operation).
 * Returns undefined if there is none. Works in workflows, clients and workers.
 */
export function operationFailure(err: unknown): OperationFailure | undefined {
  const seen = new Set<unknown>();
  for (let e = err; typeof e === 'object' && e !== null && !seen.has(e); e = 'cause' in e ? e.cause : undefined) {
    seen.add(e);
    if (e instanceof ApplicationFailure && isFailureType(e.type)) {
      const details: unknown = e.details?.[0];
      if (isObject(details) && 'cloud' in details) {
        // toApplicationFailure wrote this shape, and the discriminant has been checked.
        return { message: e.message, ...details, type: e.type } as OperationFailure;
      }
    }
  }
  return undefined;
}

/** A configuration error: `message` names the field, its value and what to change. Never retried. */
export function configurationError(cloud: string, message: string, operationId?: string): ApplicationFailure {
  return toApplicationFailure({
    type: 'OperationConfigurationError',
    cloud,
    ...(operationId === undefined ? {} : { operationId }),
    message,
    details: [],
  });
}

/** Returns the result of `check`. Rethrows an OptionError as an `OperationConfigurationError`. */
export function checked<T>(check: () => T, { cloud = '', where = '' }: { cloud?: string; where?: string }): T {
  try {
    return check();
  } catch (err) {
    if (err instanceof OptionError) throw configurationError(cloud, `${where}${err.message}`);
    throw err;
  }
}

/** The last known state of an operation. */
export type LastSeen = Pick<FailureBase, 'operation' | 'lastPolledAt'>;

/**
 * The failure of an operation that ended with an error, or that is rolling back when the caller does not wait for that.
 */
export function endedFailure(
  operation: OperationSnapshot & { state: 'failed' | 'rollingBack' },
  seen: LastSeen,
): ApplicationFailure {
  const { code, codeName, details } = operation.error;
  return toApplicationFailure({
    type: operation.state === 'failed' && codeName === 'CANCELLED' ? 'OperationCancelled' : 'OperationFailed',
    cloud: operation.cloud,
    operationId: operation.id,
    code,
    codeName,
    message: endedText(operation),
    details,
    ...seen,
    operation,
  });
}
