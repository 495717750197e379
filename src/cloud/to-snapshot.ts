import { create, toBinary } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { anyToJsonAt } from '../descriptors/any-to-json';
import type { DescriptorRegistry } from '../descriptors/registry';
import { NOT_UTF8, Place, Unreadable, ValueProblems } from '../descriptors/value-problems';
import { timestampJson } from '../descriptors/well-known-json';
import { configurationError, toApplicationFailure } from '../model/failure';
import { isOperationId } from '../model/options';
import { type OperationProgress, type ProgressReader, boundedProgress } from '../model/progress';
import { redact, redactDetail } from '../model/redact';
import { codeName, statusCode, type AnyJson, type OperationSnapshot, type OperationStatus } from '../model/snapshot';
import { nameOf, operationName } from '../model/texts';
import type { RawOperation, RawStatus, RawTimestamp } from '../apis/api';
import type { Cloud } from './cloud';
import { messageOf } from '../model/thrown';

/**
 * Converts a decoded operation to plain JSON. Values that canonical JSON cannot express become null and are listed in
 * `problems`. Throws an `OperationUnreadable` failure if the operation is done with neither a response nor a non-empty
 * error: the API contract requires exactly one.
 */
export function toSnapshot(
  cloud: string,
  raw: RawOperation,
  registry: DescriptorRegistry,
  readers: ReadonlyMap<string, ProgressReader> = new Map(),
): OperationSnapshot {
  const found = new ValueProblems();
  for (const { place, bytes } of raw.brokenTexts ?? []) found.add(place, NOT_UTF8, bytes);
  const createdAt = raw.createdAt && rfc3339(raw.createdAt, new Place('createdAt'), found);
  const modifiedAt = raw.modifiedAt && rfc3339(raw.modifiedAt, new Place('modifiedAt'), found);
  const metadata = raw.metadata && anyToJsonAt(new Place('metadata'), raw.metadata, registry, found);
  const error = raw.error && saysAnything(raw.error) ? toStatus(raw.error, registry, found) : undefined;
  const response = raw.response && anyToJsonAt(new Place('response'), raw.response, registry, found);
  const progress = (metadata && readProgress(metadata, readers)) ?? boundedProgress(raw.progress);
  const problems = found.list();
  const common = {
    cloud,
    id: raw.id,
    ...(raw.description && { description: redact(raw.description) }),
    ...(createdAt && { createdAt }),
    ...(raw.createdBy && { createdBy: raw.createdBy }),
    ...(modifiedAt && { modifiedAt }),
    ...(isOperationId(raw.resourceId) && { resourceId: raw.resourceId }),
    ...(metadata && { metadata }),
    ...(progress && { progress }),
    ...(problems.length > 0 && { problems }),
  };
  if (!raw.done) return error ? { ...common, state: 'rollingBack', error } : { ...common, state: 'running' };
  if (response) return { ...common, state: 'succeeded', response };
  if (error) return { ...common, state: 'failed', error };
  const problem = raw.error ? 'an error whose code is OK and that says nothing' : 'neither a response nor an error';
  throw toApplicationFailure({
    type: 'OperationUnreadable',
    cloud,
    operationId: raw.id,
    message: `${operationName(cloud, raw.id, raw.description)} is done with ${problem}: the outcome is unknown, look at the resource itself`,
    details: [],
    operation: { ...common, state: 'running' },
  });
}

/** Uses the worker's reader for this type. A reader that throws must not end a wait: the step shows its error. */
function readProgress(metadata: AnyJson, readers: ReadonlyMap<string, ProgressReader>): OperationProgress | undefined {
  const type = metadata['@type'];
  try {
    return boundedProgress(readers.get(type.slice(type.lastIndexOf('/') + 1))?.(metadata));
  } catch (err) {
    return boundedProgress({ step: `progress cannot be read: ${messageOf(err)}` });
  }
}

function saysAnything({ code, message, details }: RawStatus): boolean {
  return code !== 0 || message !== '' || details.length > 0;
}

/**
 * If the cloud breaks the contract and sends an error with code OK, the code becomes UNKNOWN and the message says so.
 */
function toStatus(raw: RawStatus, registry: DescriptorRegistry, problems: ValueProblems): OperationStatus {
  const code = raw.code === 0 ? statusCode('UNKNOWN') : raw.code;
  const message =
    raw.code === 0 ? `${raw.message || 'no message'} (the cloud sent this error with code 0, OK)` : raw.message;
  const place = new Place('error').at('details');
  return {
    code,
    codeName: codeName(code),
    message: redact(message),
    details: raw.details.map((detail, i) => redactDetail(anyToJsonAt(place.at(i), detail, registry, problems))),
  };
}

/** Undefined for a time outside the years 1–9999: a wrong clock in the cloud must not fail a wait. */
function rfc3339({ seconds, nanos }: RawTimestamp, place: Place, problems: ValueProblems): string | undefined {
  const bytes = toBinary(TimestampSchema, create(TimestampSchema, { seconds: BigInt(seconds), nanos }));
  const time = timestampJson({ seconds, nanos }, bytes);
  if (time instanceof Unreadable) problems.add(place, time.problem, time.bytes);
  return typeof time === 'string' ? time : undefined;
}

/**
 * Checks that the response of a finished operation has the type that the method at `path` declares, so that a typed
 * caller gets the type it was compiled for. Throws `OperationConfigurationError` if the method is not in the
 * descriptors, and `OperationUnreadable`, with the operation, if the response has another type or cannot be decoded.
 */
export function checkResponseType(operation: OperationSnapshot, path: string, cloud: Pick<Cloud, 'findStart'>): void {
  if (operation.state !== 'succeeded') return;
  const found = cloud.findStart(path);
  if (typeof found === 'string') throw configurationError(operation.cloud, `method: ${found}`, operation.id);
  const expected = found.responseType?.typeName;
  const { '@type': type, problem, base64 } = operation.response;
  const actual = type.slice(type.lastIndexOf('/') + 1);
  const mismatch =
    expected !== undefined && expected !== actual
      ? `is a ${actual}, but ${path} returns a ${expected}: the operation was started by another method`
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
