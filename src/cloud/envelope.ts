import { loadSync, type AnyDefinition, type MessageTypeDefinition, type MethodDefinition } from '@grpc/proto-loader';
import type { RawAny } from '../descriptors/any-to-json';
import { PROTO_DIRECTORY } from '../descriptors/load';
import { scanOperation, type BrokenText } from './operation-bytes';

/** A `google.rpc.Status` off the wire. */
export interface RawStatus {
  code: number;
  message: string;
  details: RawAny[];
}

/** A `google.protobuf.Timestamp` off the wire; `seconds` is an int64. */
export interface RawTimestamp {
  seconds: string;
  nanos: number;
}

/** A `yandex.cloud.operation.Operation` off the wire. */
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
  /** Texts of all these that are not UTF-8: they are here with U+FFFD in them. */
  brokenTexts?: BrokenText[];
}

const OPERATION_SERVICE = 'yandex.cloud.operation.OperationService';
const FILES = [
  'yandex/cloud/operation/operation_service.proto',
  'yandex/cloud/endpoint/api_endpoint_service.proto',
  'yandex/cloud/iam/v1/iam_token_service.proto',
  'google/rpc/status.proto',
];
const definitions = loadSync(FILES, { includeDirs: [PROTO_DIRECTORY], longs: String, enums: String, oneofs: true });

/** A method as proto/ has it. @default of OperationService */
export function method(name: string, serviceName: string = OPERATION_SERVICE): MethodDefinition<object, object> {
  const service = definitions[serviceName];
  const found = service && !('format' in service) ? service[name] : undefined;
  if (!found) throw new Error(`proto/ has no ${serviceName}.${name}`);
  return found;
}

/** A message as proto/ has it. */
export function message(name: string): MessageTypeDefinition<object, object> {
  const found = definitions[name];
  if (!found || !isMessageType(found)) throw new Error(`proto/ has no ${name}`);
  return found;
}

function isMessageType(definition: AnyDefinition): definition is MessageTypeDefinition<object, object> {
  return definition.format === 'Protocol Buffer 3 DescriptorProto';
}

/** A call of OperationService: its path, and the request's bytes. Reply bytes are read by {@link decodeOperation}. */
export interface OperationCall {
  path: string;
  encode: (operationId: string) => Buffer;
}

function operationCall(name: string): OperationCall {
  const { path, requestSerialize } = method(name);
  return { path, encode: (operationId) => requestSerialize({ operationId }) };
}

export const GET: OperationCall = operationCall('Get');
export const CANCEL: OperationCall = operationCall('Cancel');

/** Reads an Operation; throws when the bytes are none. The decoder is lenient, so every field is checked here. */
export function decodeOperation(bytes: Buffer): RawOperation {
  const reply: Fields = { ...method('Get').responseDeserialize(bytes) };
  const createdAt = timestamp(reply.createdAt);
  const modifiedAt = timestamp(reply.modifiedAt);
  const metadata = any(reply.metadata);
  // Where both members of the oneof are on the wire both keys are here, and `reply.result` goes by the .proto's order.
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

/** Reads the google.rpc.Status of the trailer `grpc-status-details-bin`; undefined when the bytes are none. */
export function decodeStatus(bytes: Buffer): RawStatus | undefined {
  try {
    return status(message('google.rpc.Status').deserialize(bytes));
  } catch {
    return undefined;
  }
}

const listEndpoints = method('List', 'yandex.cloud.endpoint.ApiEndpointService');
const createToken = method('Create', 'yandex.cloud.iam.v1.IamTokenService');

/** ApiEndpointService.List: where a cloud's services are. */
export const LIST_ENDPOINTS = {
  path: listEndpoints.path,
  encode: (pageToken: string): Buffer => listEndpoints.requestSerialize({ pageSize: 1000, pageToken }),
  decode(bytes: Buffer): { endpoints: { id: string; address: string }[]; nextPageToken: string } {
    const reply: Fields = { ...listEndpoints.responseDeserialize(bytes) };
    const endpoints = Array.isArray(reply.endpoints) ? reply.endpoints.filter(isFields) : [];
    return {
      endpoints: endpoints.map(({ id, address }) => ({ id: text(id), address: text(address) })),
      nextPageToken: text(reply.nextPageToken),
    };
  },
};

/** IamTokenService.Create: a token for a signed JWT. */
export const CREATE_TOKEN = {
  path: createToken.path,
  encode: (jwt: string): Buffer => createToken.requestSerialize({ jwt }),
  decode(bytes: Buffer): { token: string; expiresAt?: Date } {
    const reply: Fields = { ...createToken.responseDeserialize(bytes) };
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
