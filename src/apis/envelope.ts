import {
  fromJSON,
  type AnyDefinition,
  type MessageTypeDefinition,
  type MethodDefinition,
  type PackageDefinition,
} from '@grpc/proto-loader';
import type { RawAny } from '../descriptors/any-to-json';
import { Place } from '../descriptors/value-problems';
import type { BrokenText, RawStatus, RawTimestamp } from './api';
import { ENVELOPE_SCHEMA } from './envelope-schema';
import { oneofsOf, scanMessage } from './wire-scan';

// The messages and services of proto/. The decoder of proto-loader is lenient, so readers check every field.

let definitions: PackageDefinition | undefined;

/** Builds the definitions on first use, so that importing the package does not pay for it. */
function definition(name: string): PackageDefinition[string] | undefined {
  definitions ??= fromJSON(ENVELOPE_SCHEMA, { longs: String, enums: String, oneofs: true });
  return definitions[name];
}

/** A method defined in proto/, by default of Yandex Cloud's OperationService. Throws if there is none. */
export function method(
  name: string,
  serviceName = 'yandex.cloud.operation.OperationService',
): MethodDefinition<object, object> {
  const service = definition(serviceName);
  const found = service && !('format' in service) ? service[name] : undefined;
  if (!found) throw new Error(`proto/ has no ${serviceName}.${name}`);
  return found;
}

/** A message defined in proto/. Throws if there is none. */
export function message(name: string): MessageTypeDefinition<object, object> {
  const found = definition(name);
  if (!found || !isMessageType(found)) throw new Error(`proto/ has no ${name}`);
  return found;
}

function isMessageType(definition: AnyDefinition): definition is MessageTypeDefinition<object, object> {
  return definition.format === 'Protocol Buffer 3 DescriptorProto';
}

/** Decodes the google.rpc.Status in the trailer `grpc-status-details-bin`; undefined if the bytes are not one. */
export function decodeStatus(bytes: Buffer): RawStatus | undefined {
  try {
    return status(message('google.rpc.Status').deserialize(bytes));
  } catch {
    return undefined;
  }
}

/**
 * Decodes a message of proto/. Of the members of a oneof, only the one that comes last on the wire is left. `names`
 * replaces the names of fields in the paths of broken texts. Throws if the bytes are not such a message.
 */
export function decodeMessage(
  typeName: string,
  bytes: Buffer,
  names: Readonly<Record<string, string>> = {},
): { fields: Fields; brokenTexts: BrokenText[] } {
  const brokenTexts: BrokenText[] = [];
  const last = scanMessage(typeName, bytes, brokenTexts, (name) => new Place(names[name] ?? name));
  const fields: Fields = { ...message(typeName).deserialize(bytes) };
  // If several members of a oneof are on the wire, the decoder sets them all.
  for (const [name, members] of oneofsOf(typeName)) {
    for (const member of members) if (last.get(name) !== member) delete fields[member];
  }
  return { fields, brokenTexts };
}

/** A decoded message, whose fields have not been checked. */
export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function timestamp(value: unknown): RawTimestamp | undefined {
  if (!isFields(value)) return undefined;
  return { seconds: text(value.seconds) || '0', nanos: typeof value.nanos === 'number' ? value.nanos : 0 };
}

export function any(value: unknown): RawAny | undefined {
  if (!isFields(value)) return undefined;
  return {
    typeUrl: text(value.type_url),
    value: value.value instanceof Uint8Array ? value.value : new Uint8Array(),
  };
}

export function status(value: unknown): RawStatus | undefined {
  if (!isFields(value)) return undefined;
  return {
    code: typeof value.code === 'number' ? value.code : 0,
    message: text(value.message),
    details: Array.isArray(value.details) ? value.details.flatMap((detail) => any(detail) ?? []) : [],
  };
}
