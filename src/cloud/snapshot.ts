import { create, toJson } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { anyToJson } from '../descriptors/any-to-json';
import { findOperationMethod } from '../descriptors/operation-method';
import type { DescriptorRegistry } from '../descriptors/registry';
import { configurationError, toApplicationFailure } from '../model/failure';
import { type OperationProgress, type ProgressReader, boundedProgress } from '../model/progress';
import { redact, redactDetail } from '../model/redact';
import type { AnyJson, OperationSnapshot, OperationStatus } from '../model/snapshot';
import { codeName } from '../model/status-code';
import { nameOf, operationName } from '../model/texts';
import type { RawOperation, RawStatus, RawTimestamp } from './envelope';

/**
 * An operation off the wire as plain JSON. Throws an `OperationUnreadable` failure when it is done with neither a
 * response nor an error, or with an error whose code is OK: the contract promises exactly one.
 */
export function toSnapshot(
  cloud: string,
  raw: RawOperation,
  registry: DescriptorRegistry,
  readers: ReadonlyMap<string, ProgressReader> = new Map(),
): OperationSnapshot {
  const createdAt = raw.createdAt && rfc3339(raw.createdAt);
  const modifiedAt = raw.modifiedAt && rfc3339(raw.modifiedAt);
  const metadata = raw.metadata && anyToJson(raw.metadata, registry);
  const progress = metadata && readProgress(metadata, readers);
  const common = {
    cloud,
    id: raw.id,
    ...(raw.description && { description: redact(raw.description) }),
    ...(createdAt && { createdAt }),
    ...(raw.createdBy && { createdBy: raw.createdBy }),
    ...(modifiedAt && { modifiedAt }),
    ...(metadata && { metadata }),
    ...(progress && { progress }),
  };
  if (!raw.done) {
    return raw.error
      ? { ...common, state: 'rollingBack', error: toStatus(raw.error, registry) }
      : { ...common, state: 'running' };
  }
  if (raw.response) return { ...common, state: 'succeeded', response: anyToJson(raw.response, registry) };
  if (raw.error && raw.error.code !== 0) return { ...common, state: 'failed', error: toStatus(raw.error, registry) };
  const problem = raw.error ? 'an error whose code is OK' : 'neither a response nor an error';
  throw toApplicationFailure({
    type: 'OperationUnreadable',
    cloud,
    operationId: raw.id,
    message: `${operationName(cloud, raw.id, raw.description)} is done with ${problem}: the outcome is unknown, look at the resource itself`,
    details: [],
    operation: { ...common, state: 'running' },
  });
}

/** By the worker's own reader for that type. One that throws must not end a wait: what it threw is shown instead. */
function readProgress(metadata: AnyJson, readers: ReadonlyMap<string, ProgressReader>): OperationProgress | undefined {
  const type = metadata['@type'];
  try {
    return boundedProgress(readers.get(type.slice(type.lastIndexOf('/') + 1))?.(metadata));
  } catch (err) {
    return boundedProgress({ step: `progress cannot be read: ${err instanceof Error ? err.message : String(err)}` });
  }
}

function toStatus(raw: RawStatus, registry: DescriptorRegistry): OperationStatus {
  return {
    code: raw.code,
    codeName: codeName(raw.code),
    message: redact(raw.message),
    details: raw.details.map((detail) => redactDetail(anyToJson(detail, registry))),
  };
}

/** Undefined for a time outside the years 1–9999: a wrong clock in the cloud is no reason to fail a wait. */
function rfc3339({ seconds, nanos }: RawTimestamp): string | undefined {
  try {
    return toJson(TimestampSchema, create(TimestampSchema, { seconds: BigInt(seconds), nanos }));
  } catch {
    return undefined;
  }
}

/**
 * Checks that the response of a finished operation is what the method at `path` promises, so that a typed caller gets
 * the type it was compiled for. Throws `OperationConfigurationError` when the method is not in the descriptors, and
 * `OperationUnreadable`, with the operation, for a response of another type or one that cannot be read.
 */
export function checkResponseType(operation: OperationSnapshot, path: string, registry: DescriptorRegistry): void {
  if (operation.state !== 'succeeded') return;
  const found = findOperationMethod(registry, path);
  if (typeof found === 'string') throw configurationError(operation.cloud, `method: ${found}`, operation.id);
  const expected = found.responseType?.typeName;
  const { '@type': type, problem, base64 } = operation.response;
  const actual = type.slice(type.lastIndexOf('/') + 1);
  const mismatch =
    expected !== undefined && expected !== actual
      ? `is a ${actual}, where ${path} promises a ${expected}: the operation was started by another method`
      : typeof problem === 'string' && typeof base64 === 'string'
        ? `cannot be read: ${problem}`
        : undefined;
  if (mismatch === undefined) return;
  throw toApplicationFailure({
    type: 'OperationUnreadable',
    cloud: operation.cloud,
    operationId: operation.id,
    message: `${nameOf(operation)} succeeded, but its response ${mismatch}`,
    details: [],
    operation,
  });
}
