import type { OperationsApi, StartMark } from '../apis/api';
import { RequestError } from '../descriptors/check-request';
import { jsonToRequest } from '../descriptors/json-to-request';
import { findOperationMethod, type OperationMethodTypes } from '../descriptors/operation-method';
import type { DescriptorRegistry } from '../descriptors/registry';
import { fieldsOf } from '../model/check';
import { configurationError } from '../model/failure';
import type { JsonObject } from '../model/snapshot';

/** A checked and marked start. */
export interface PreparedStart {
  start: OperationMethodTypes;
  /** Names the call in errors. */
  what: string;
  body: Uint8Array;
  headers: Record<string, string>;
  request: JsonObject;
}

/** Checks a start. Throws an `OperationConfigurationError` for an unknown method or a request that does not match it. */
export function prepareStart(
  { cloud, api, registry }: { cloud: string; api: OperationsApi; registry: DescriptorRegistry },
  path: string,
  given: unknown,
  key: string,
): PreparedStart {
  const start = findOperationMethod(registry, path, api.starts);
  if (typeof start === 'string') throw configurationError(cloud, `method: ${start}`);
  const what = `${cloud} ${start.path.slice(1)}`;
  const request = fieldsOf(given);
  const mark = markOf(api, start, request, key);
  try {
    const marked = mark?.fields ? { ...mark.fields, ...request } : given;
    const body = jsonToRequest(start.method.input, marked, registry, api.isRequired);
    const headers = { ...api.headers?.({ method: start.method, request }), ...mark?.headers };
    return { start, what, body, headers, request };
  } catch (err) {
    if (err instanceof RequestError) throw configurationError(cloud, `${what}: ${err.message}`);
    throw err;
  }
}

/** What marks the start. Fields that the caller has set mark it as they are. Undefined if nothing can mark it. */
export function markOf(
  api: OperationsApi,
  { method }: OperationMethodTypes,
  request: JsonObject,
  key: string,
): StartMark | undefined {
  const mark = api.mark(key, method);
  if (!mark?.fields) return mark;
  const isGiven = (jsonName: string): boolean => {
    const field = method.input.fields.find((one) => one.jsonName === jsonName);
    return [request[jsonName], field && request[field.name]].some((value) => value !== undefined && value !== null);
  };
  return { ...mark, fields: Object.fromEntries(Object.entries(mark.fields).filter(([name]) => !isGiven(name))) };
}
