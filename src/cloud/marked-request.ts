import type { DescMethod } from '@bufbuild/protobuf';
import type { OperationsApi, StartMark } from '../apis/api';
import { RequestError } from '../descriptors/check-request';
import { jsonToRequest } from '../descriptors/json-to-request';
import type { DescriptorRegistry } from '../descriptors/registry';
import { fieldsOf, isNil } from '../model/check';
import { configurationError } from '../model/failure';
import type { JsonObject } from '../model/snapshot';

/** What encoding a request needs to know of its cloud. */
interface Served {
  name: string;
  registry: DescriptorRegistry;
  api: OperationsApi;
}

/** A checked and encoded request of a method. */
export interface MarkedRequest {
  /** Names the call in errors. */
  what: string;
  body: Buffer;
  headers: Record<string, string>;
}

/**
 * Checks and encodes a request, and marks it with `key`, if there is one and the API can. Throws an
 * `OperationConfigurationError` if the request does not match the method.
 */
export function markedRequest(
  { name, registry, api }: Served,
  method: DescMethod,
  given: unknown,
  key?: string,
): MarkedRequest {
  const what = `${name} ${method.parent.typeName}/${method.name}`;
  const request = fieldsOf(given);
  const mark = key === undefined ? undefined : markOf(api, method, request, key);
  try {
    const marked = mark?.fields ? { ...mark.fields, ...request } : given;
    const body = toBuffer(jsonToRequest(method.input, marked, registry, api.starts.isRequired));
    return { what, body, headers: { ...api.headers?.({ method, request }), ...mark?.headers } };
  } catch (err) {
    if (err instanceof RequestError) throw configurationError(name, `${what}: ${err.message}`);
    throw err;
  }
}

/** Whether the cloud takes a repeated call with this request and the same key for the same call. */
export function canMark(api: OperationsApi, method: DescMethod, given: unknown): boolean {
  return markOf(api, method, fieldsOf(given), '') !== undefined;
}

/** What marks the call. Fields that the caller has set mark it as they are. Undefined if nothing can mark it. */
function markOf(api: OperationsApi, method: DescMethod, request: JsonObject, key: string): StartMark | undefined {
  const mark = api.mark(key, method);
  if (!mark?.fields) return mark;
  const isGiven = (jsonName: string): boolean => {
    const field = method.input.fields.find((one) => one.jsonName === jsonName);
    return !isNil(request[jsonName]) || (field !== undefined && !isNil(request[field.name]));
  };
  return { ...mark, fields: Object.fromEntries(Object.entries(mark.fields).filter(([name]) => !isGiven(name))) };
}

/** grpc-js writes Buffers only; this one shares the memory. */
export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
