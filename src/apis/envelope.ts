import {
  fromJSON,
  type AnyDefinition,
  type MessageTypeDefinition,
  type MethodDefinition,
  type PackageDefinition,
} from '@grpc/proto-loader';
import type { RawAny } from '../descriptors/any-to-json';
import { ENVELOPE_SCHEMA } from './envelope-schema';
import { scanOperation, type BrokenText } from './operation-bytes';

/** A decoded `google.rpc.Status`. */
export interface RawStatus {
  code: number;
  message: string;
  details: RawAny[];
}

/** A decoded `google.protobuf.Timestamp`; `seconds` is an int64. */
export interface RawTimestamp {
  seconds: string;
  nanos: number;
}

/** A decoded `yandex.cloud.operation.Operation`. */
export interface RawOperation {
  id: string;
  description: string;
  createdAt?: RawTimestamp;
  createdBy: string;
  modifiedAt?: RawTimestamp;
  done: boolean;
  metadata?: RawAny;
  error?: RawStatus;
  response?: RawAny;
  /** Strings in the operation that are not UTF-8. The fields above have them with U+FFFD. */
  brokenTexts?: BrokenText[];
}

const OPERATION_SERVICE = 'yandex.cloud.operation.OperationService';
let definitions: PackageDefinition | undefined;

/** Builds the definitions on first use, so that importing the package does not pay for it. */
function definition(name: string): PackageDefinition[string] | undefined {
  definitions ??= fromJSON(ENVELOPE_SCHEMA, { longs: String, enums: String, oneofs: true });
  return definitions[name];
}

/** A method defined in proto/, by default of OperationService. Throws if there is none. */
export function method(name: string, serviceName: string = OPERATION_SERVICE): MethodDefinition<object, object> {
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

/** A method of OperationService: its path and request encoder. {@link decodeOperation} decodes the reply. */
export interface OperationCall {
  path: string;
  encode: (operationId: string) => Buffer;
}

function operationCall(name: string): OperationCall {
  return {
    path: `/${OPERATION_SERVICE}/${name}`,
    encode: (operationId) => method(name).requestSerialize({ operationId }),
  };
}

export const GET: OperationCall = operationCall('Get');
export const CANCEL: OperationCall = operationCall('Cancel');

/** Decodes an Operation. Throws if the bytes are not one. The decoder is lenient, so every field is checked here. */
export function decodeOperation(bytes: Buffer): RawOperation {
  const reply: Fields = { ...method('Get').responseDeserialize(bytes) };
  const createdAt = timestamp(reply.createdAt);
  const modifiedAt = timestamp(reply.modifiedAt);
  const metadata = any(reply.metadata);
  // If both members of the oneof are on the wire, both keys are set and `reply.result` follows the order in the .proto.
  const { result, brokenTexts } = scanOperation(bytes);
  const error = result === 'error' ? status(reply.error) : undefined;
  const response = result === 'response' ? any(reply.response) : undefined;
  return {
    id: text(reply.id),
    description: text(reply.description),
    createdBy: text(reply.createdBy),
    done: reply.done === true,
    ...(createdAt && { createdAt }),
    ...(modifiedAt && { modifiedAt }),
    ...(metadata && { metadata }),
    ...(error && { error }),
    ...(response && { response }),
    ...(brokenTexts.length > 0 && { brokenTexts }),
  };
}

/** Decodes the google.rpc.Status in the trailer `grpc-status-details-bin`; undefined if the bytes are not one. */
export function decodeStatus(bytes: Buffer): RawStatus | undefined {
  try {
    return status(message('google.rpc.Status').deserialize(bytes));
  } catch {
    return undefined;
  }
}

const ENDPOINT_SERVICE = 'yandex.cloud.endpoint.ApiEndpointService';

/** ApiEndpointService.List: the endpoints of a cloud's services. */
export const LIST_ENDPOINTS = {
  path: `/${ENDPOINT_SERVICE}/List`,
  encode: (pageToken: string): Buffer =>
    method('List', ENDPOINT_SERVICE).requestSerialize({ pageSize: 1000, pageToken }),
  decode(bytes: Buffer): { endpoints: { id: string; address: string }[]; nextPageToken: string } {
    const reply: Fields = { ...method('List', ENDPOINT_SERVICE).responseDeserialize(bytes) };
    const endpoints = Array.isArray(reply.endpoints) ? reply.endpoints.filter(isFields) : [];
    return {
      endpoints: endpoints.map(({ id, address }) => ({ id: text(id), address: text(address) })),
      nextPageToken: text(reply.nextPageToken),
    };
  },
};

const TOKEN_SERVICE = 'yandex.cloud.iam.v1.IamTokenService';

/** IamTokenService.Create: exchanges a signed JWT for a token. */
export const CREATE_TOKEN = {
  path: `/${TOKEN_SERVICE}/Create`,
  encode: (jwt: string): Buffer => method('Create', TOKEN_SERVICE).requestSerialize({ jwt }),
  decode(bytes: Buffer): { token: string; expiresAt?: Date } {
    const reply: Fields = { ...method('Create', TOKEN_SERVICE).responseDeserialize(bytes) };
    const expiresAt = timestamp(reply.expiresAt);
    return {
      token: text(reply.iamToken),
      ...(expiresAt && { expiresAt: new Date(Number(expiresAt.seconds) * 1000 + expiresAt.nanos / 1e6) }),
    };
  },
};

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function timestamp(value: unknown): RawTimestamp | undefined {
  if (!isFields(value)) return undefined;
  return { seconds: text(value.seconds) || '0', nanos: typeof value.nanos === 'number' ? value.nanos : 0 };
}

function any(value: unknown): RawAny | undefined {
  if (!isFields(value)) return undefined;
  return {
    typeUrl: text(value.type_url),
    value: value.value instanceof Uint8Array ? value.value : new Uint8Array(),
  };
}

function status(value: unknown): RawStatus | undefined {
  if (!isFields(value)) return undefined;
  return {
    code: typeof value.code === 'number' ? value.code : 0,
    message: text(value.message),
    details: Array.isArray(value.details) ? value.details.flatMap((detail) => any(detail) ?? []) : [],
  };
}
