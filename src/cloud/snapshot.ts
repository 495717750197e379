import { create, toJson } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { anyToJson } from '../descriptors/any-to-json';
import type { DescriptorRegistry } from '../descriptors/registry';
import { toApplicationFailure } from '../model/failure';
import { boundedProgress, type OperationProgress, type ProgressReader } from '../model/progress';
import { redact, redactDetail } from '../model/redact';
import type { AnyJson, OperationSnapshot, OperationStatus } from '../model/snapshot';
import { codeName } from '../model/status-code';
import { operationName } from '../model/texts';
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
