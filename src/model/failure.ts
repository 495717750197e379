import { ApplicationFailure } from '@temporalio/common';
import { OptionError } from './options';
import { redact, redactDetail } from './redact';
import type { AnyJson, OperationSnapshot } from './snapshot';
import { endedText } from './texts';

interface FailureBase {
  cloud: string;
  operationId?: string;
  /** The whole story in one line: which operation, what happened, why. */
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

/** What a caller gets in place of a response, discriminated by `type`, which is also the type of the ApplicationFailure. */
export type OperationFailure =
  | (FailureEnded & { type: 'OperationFailed' | 'OperationCancelled' })
  | (FailureBase & {
      type: 'OperationTimedOut' | 'OperationStillRunning' | 'OperationNotFound' | 'OperationUnreadable';
      operationId: string;
    })
  | (FailureBase & { type: 'OperationServiceError'; code: number; codeName: string })
  | (FailureBase & { type: 'OperationConfigurationError' });

export type OperationFailureType = OperationFailure['type'];

const TYPES: Record<OperationFailureType, true> = {
  OperationFailed: true,
  OperationCancelled: true,
  OperationTimedOut: true,
  OperationStillRunning: true,
  OperationNotFound: true,
  OperationUnreadable: true,
  OperationServiceError: true,
  OperationConfigurationError: true,
};

function isFailureType(type: unknown): type is OperationFailureType {
  return typeof type === 'string' && Object.hasOwn(TYPES, type);
}

/** Of the JSON of a failure's details: the server drops details of more than 2 MB silently, and people read them. */
const MAXIMUM_DETAILS_BYTES = 256_000;

function tooLarge(value: unknown): boolean {
  return new TextEncoder().encode(JSON.stringify(value)).length > MAXIMUM_DETAILS_BYTES;
}

/** What the types of failures promise is there, however large the rest was. */
function withoutContents(operation: OperationSnapshot): OperationSnapshot {
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
 * Makes the ApplicationFailure that carries `failure`: its `type`, its message, and the rest as `details[0]`, redacted. Of
 * details over 256 kB the contents of the snapshot are left out first, then the decoded status details.
 */
export function toApplicationFailure(failure: OperationFailure, nonRetryable = true): ApplicationFailure {
  const { type, ...given } = failure;
  const message = redact(given.message);
  const full = { ...given, message, details: given.details.map(redactDetail) };
  const lighter = { ...full, ...(full.operation && { operation: withoutContents(full.operation) }) };
  const bounded = [full, lighter].find((one) => !tooLarge(one)) ?? { ...lighter, details: [] };
  return ApplicationFailure.create({ type, message, nonRetryable, details: [bounded] });
}

/**
 * Finds our failure in an error or anywhere on its `cause` chain (activity, child workflow, Nexus operation).
 * Returns undefined when there is none. Works in workflows, clients and workers.
 */
export function operationFailure(err: unknown): OperationFailure | undefined {
  const seen = new Set<unknown>();
  for (let e = err; typeof e === 'object' && e !== null && !seen.has(e); e = 'cause' in e ? e.cause : undefined) {
    seen.add(e);
    if (e instanceof ApplicationFailure && isFailureType(e.type)) {
      const details: unknown = e.details?.[0];
      if (typeof details === 'object' && details !== null && 'cloud' in details) {
        // The shape was written by toApplicationFailure; the discriminant has been checked.
        return { message: e.message, ...details, type: e.type } as OperationFailure;
      }
    }
  }
  return undefined;
}

/** A configuration error: `message` says which field, its value and what to change. Never retried. */
export function configurationError(cloud: string, message: string, operationId?: string): ApplicationFailure {
  return toApplicationFailure({
    type: 'OperationConfigurationError',
    cloud,
    ...(operationId === undefined ? {} : { operationId }),
    message,
    details: [],
  });
}

/** What `check` gives. The OptionError that it throws is told to callers as an `OperationConfigurationError`. */
export function checked<T>(check: () => T, { cloud = '', where = '' }: { cloud?: string; where?: string }): T {
  try {
    return check();
  } catch (err) {
    if (err instanceof OptionError) throw configurationError(cloud, `${where}${err.message}`);
    throw err;
  }
}

/** What is last known of an operation. */
export type LastSeen = Pick<FailureBase, 'operation' | 'lastPolledAt'>;

/** An operation that ended with an error, or that is rolling back where the caller will not wait. */
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
