import {
  fromJson,
  ScalarType,
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
} from '@bufbuild/protobuf';
import { isObject } from '../model/check';
import { maskPaths, resolveFieldMask } from './field-mask';
import type { DescriptorRegistry } from './registry';

/** A request does not match its message type. The message names the path, never the value, which may be secret. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
}

/** A path in a request: field names, list indices and map keys. */
type RequestPath = readonly (string | number)[];

/** A FieldMask that was taken out of a request. */
export interface FoundMask {
  at: RequestPath;
  paths: string[];
}

/** Whether a request without this field is invalid. */
export type RequiredRule = (field: DescField) => boolean;

/**
 * Checks a request against its message type and returns JSON for protobuf's own reader, without null fields and without
 * FieldMasks, which that reader does not accept in every spelling. Throws a RequestError for the first problem.
 */
export function checkRequest(
  schema: DescMessage,
  request: unknown,
  registry: DescriptorRegistry,
  isRequired: RequiredRule,
): { json: JsonValue; masks: FoundMask[] } {
  const masks: FoundMask[] = [];
  return { json: checkMessage(schema, request, [], { registry, isRequired, masks }), masks };
}

interface Check {
  registry: DescriptorRegistry;
  isRequired: RequiredRule;
  masks: FoundMask[];
}

function checkMessage(schema: DescMessage, value: unknown, at: RequestPath, check: Check): JsonObject {
  if (!isObject(value)) throw misfit(at, `an object, a ${schema.typeName}`, value);
  const json: JsonObject = {};
  const given = new Map<string, string>();
  for (const [key, member] of Object.entries(value)) {
    const here = [...at, key];
    const field = schema.fields.find(({ jsonName, name }) => jsonName === key || name === key);
    if (!field) {
      const known = schema.fields.map(({ jsonName }) => jsonName).join(', ');
      throw new RequestError(`${show(here)} is not a field of ${schema.typeName}, which has ${known || 'none'}`);
    }
    if (member === undefined || (member === null && !takesNull(field))) continue;
    const slot = field.oneof?.name ?? field.name;
    const other = given.get(slot);
    if (other !== undefined)
      throw new RequestError(`${show(here)} and ${other} are in the same oneof: give only one of them`);
    given.set(slot, key);
    if (field.message?.typeName === 'google.protobuf.FieldMask' && field.fieldKind === 'message') {
      check.masks.push({ at: here, paths: checkMask(schema, member, here) });
    } else {
      json[field.jsonName] = checkField(schema, field, member, here, check);
    }
  }
  for (const field of schema.fields) {
    if (check.isRequired(field) && !given.has(field.oneof?.name ?? field.name)) {
      throw new RequestError(`${show([...at, field.jsonName])} is missing: ${schema.typeName} requires it`);
    }
  }
  return json;
}

/** Whether null is a value of the field's type. For other types, null means that the field is not set. */
function takesNull(field: DescField): boolean {
  if (field.fieldKind === 'message') return field.message.typeName === 'google.protobuf.Value';
  return field.fieldKind === 'enum' && field.enum.typeName === 'google.protobuf.NullValue';
}

function checkField(parent: DescMessage, field: DescField, value: unknown, at: RequestPath, check: Check): JsonValue {
  switch (field.fieldKind) {
    case 'list':
      if (!Array.isArray(value)) throw misfit(at, 'an array', value);
      return value.map((item: unknown, i) => checkValue(parent, field, (json) => [json], item, [...at, i], check));
    case 'map':
      if (!isObject(value)) throw misfit(at, 'an object, a map', value);
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [
          key,
          checkValue(parent, field, (json) => ({ [key]: json }), item, [...at, key], check),
        ]),
      );
    default:
      return checkValue(parent, field, (json) => json, value, at, check);
  }
}

/** Checks a value with protobuf's own reader. `asField` wraps the value as a whole field. */
function checkValue(
  parent: DescMessage,
  field: DescField,
  asField: (json: JsonValue) => JsonValue,
  value: unknown,
  at: RequestPath,
  check: Check,
): JsonValue {
  if (field.message && !field.message.typeName.startsWith('google.protobuf.')) {
    return checkMessage(field.message, value, at, check);
  }
  try {
    const json = plainJson(value);
    fromJson(parent, { [field.jsonName]: asField(json) }, { registry: check.registry });
    return json;
  } catch {
    // The reader's own message would show the value.
    throw misfit(at, typeText(field), value);
  }
}

function checkMask(parent: DescMessage, value: unknown, at: RequestPath): string[] {
  const paths = maskPaths(value);
  if (!paths) throw misfit(at, 'field names, as one comma-separated string or as an array', value);
  const resolved = resolveFieldMask(parent, paths);
  if ('paths' in resolved) return resolved.paths;
  throw new RequestError(
    `${show(at)} names ${JSON.stringify(resolved.unknown.slice(0, 100))}, which ${parent.typeName} does not have`,
  );
}

/** What JSON a field takes, for error messages. */
export function typeText(field: DescField): string {
  if (field.message) return `the JSON of a ${field.message.typeName}`;
  if (field.enum) return `one of ${field.enum.values.map(({ name }) => name).join(', ')}`;
  switch (field.scalar) {
    case ScalarType.STRING:
      return 'a string';
    case ScalarType.BOOL:
      return 'true or false';
    case ScalarType.BYTES:
      return 'bytes in base64';
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return 'a number';
    default:
      return 'a whole number in its range; beyond 2^53 as a string';
  }
}

/** Plain JSON, without undefined members and prototypes, as Temporal would carry it. */
export function plainJson(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}

function misfit(at: RequestPath, expected: string, value: unknown): RequestError {
  const actual = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
  return new RequestError(`${show(at)} must be ${expected}, but is ${actual} that does not match`);
}

function show(at: RequestPath): string {
  return at.reduce<string>(
    (path, step) => `${path}${typeof step === 'number' ? `[${step}]` : `.${step.slice(0, 100)}`}`,
    'request',
  );
}
