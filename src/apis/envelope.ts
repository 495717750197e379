import {
  fromJSON,
  type AnyDefinition,
  type MessageTypeDefinition,
  type MethodDefinition,
  type PackageDefinition,
} from '@grpc/proto-loader';
import type { RawAny } from '../descriptors/any-to-json';
import type { RawStatus, RawTimestamp } from './api';
import { ENVELOPE_SCHEMA } from './envelope-schema';

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
