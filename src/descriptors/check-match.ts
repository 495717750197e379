import {
  fromJson,
  toJson,
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
} from '@bufbuild/protobuf';
import { isObject, show } from '../model/check';
import { plainJson, typeText } from './check-request';
import type { DescriptorRegistry } from './registry';

/** A match can never be met. The message names the path, the value and what is possible. */
export class MatchError extends Error {
  override readonly name = 'MatchError';
}

/** Messages whose JSON has any members. */
const FREE: readonly string[] = ['Any', 'Struct', 'Value', 'ListValue'].map((name) => `google.protobuf.${name}`);
/** Messages whose JSON is that of ordinary messages. */
const ORDINARY = 'google.protobuf.Empty';

/**
 * Checks a partial reply against the type of the reply, and returns it in canonical JSON: a field may be given by its
 * name in the .proto, an int64 as a number, an enum value by its number. Throws a MatchError for the first problem.
 */
export function checkMatch(
  schema: DescMessage,
  match: unknown,
  registry: DescriptorRegistry,
  where = 'match',
): JsonObject {
  if (!isObject(match)) throw misfit(where, match, `give an object, a partial ${schema.typeName}`);
  const checked: JsonObject = {};
  for (const [key, wanted] of Object.entries(match)) {
    if (wanted === undefined) continue;
    const at = `${where}.${key}`;
    const field = schema.fields.find(({ jsonName, name }) => jsonName === key || name === key);
    if (!field) {
      const known = schema.fields.map(({ jsonName }) => jsonName).join(', ') || 'none';
      throw misfit(at, wanted, `this is not a field of ${schema.typeName}, which has ${known}`);
    }
    checked[field.jsonName] = checkField(schema, field, wanted, registry, at);
  }
  return checked;
}

function checkField(
  parent: DescMessage,
  field: DescField,
  wanted: unknown,
  registry: DescriptorRegistry,
  at: string,
): JsonValue {
  const value = (one: unknown, path: string, wrap = (json: JsonValue): JsonValue => json): JsonValue =>
    checkValue(parent, field, one, registry, path, wrap);
  switch (field.fieldKind) {
    case 'map':
      if (!isObject(wanted)) throw misfit(at, wanted, 'give an object, a partial map');
      return Object.fromEntries(
        Object.entries(wanted).map(([key, one]) => [key, value(one, `${at}.${key}`, (json) => ({ [key]: json }))]),
      );
    case 'list':
      return value(wanted, at, (json) => [json]);
    default:
      return value(wanted, at);
  }
}

/** Checks a wanted value of a field, an element or a map entry; or each of a list of wanted values. */
function checkValue(
  parent: DescMessage,
  field: DescField,
  wanted: unknown,
  registry: DescriptorRegistry,
  at: string,
  wrap: (json: JsonValue) => JsonValue,
): JsonValue {
  const { message } = field;
  if (message && FREE.includes(message.typeName)) return plainJson(wanted);
  if (Array.isArray(wanted)) {
    if (wanted.length === 0) throw misfit(at, wanted, 'give at least one wanted value');
    return wanted.map((one: unknown, i) => checkValue(parent, field, one, registry, `${at}[${i}]`, wrap));
  }
  if (message && (!message.typeName.startsWith('google.protobuf.') || message.typeName === ORDINARY)) {
    return checkMatch(message, wanted, registry, at);
  }
  return leaf(parent, field, wanted, registry, at, wrap);
}

/** Reads and writes the value as part of its message with protobuf's own code, which makes it canonical. */
function leaf(
  parent: DescMessage,
  field: DescField,
  wanted: unknown,
  registry: DescriptorRegistry,
  at: string,
  wrap: (json: JsonValue) => JsonValue,
): JsonValue {
  try {
    if (wanted === null) throw new Error('null is no value of a field');
    const read = fromJson(parent, { [field.jsonName]: wrap(plainJson(wanted)) }, { registry });
    const written = toJson(parent, read, { registry, alwaysEmitImplicit: true });
    const json = isObject(written) ? written[field.jsonName] : undefined;
    const isWrapped = field.fieldKind === 'list' || field.fieldKind === 'map';
    const [value] = isWrapped && typeof json === 'object' ? Object.values<JsonValue>(json ?? {}) : [json];
    if (value === undefined) throw new Error('it is not written');
    return value;
  } catch {
    throw misfit(at, wanted, `give ${typeText(field)}, or a list of such values`);
  }
}

function misfit(at: string, value: unknown, rule: string): MatchError {
  return new MatchError(`${at} is ${show(value)}: ${rule}`);
}
