import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { RequestError } from '../descriptors/check-request';
import { jsonToRequest } from '../descriptors/json-to-request';
import { MessageReader } from '../descriptors/message-reader';
import type { DescriptorRegistry } from '../descriptors/registry';
import { findUnaryMethod, type UnaryMethodInfo } from '../descriptors/unary-method';
import { Place, ValueProblems } from '../descriptors/value-problems';
import { configurationError, toApplicationFailure } from '../model/failure';
import type { ValueProblem } from '../model/snapshot';
import { MAXIMUM_REPLY_BYTES } from '../transport/channel';

/** A checked call of a method that starts no operation. */
export interface PreparedCall extends UnaryMethodInfo {
  /** Names the call in errors. */
  what: string;
  body: Buffer;
}

/** A reply as canonical JSON. */
export interface Called {
  /** A reply whose JSON is no object, such as that of a wrapper, is in `value`. */
  reply: JsonObject;
  /** The values that canonical JSON cannot express: they are null in `reply`. */
  problems: ValueProblem[];
  /** How long the server asks to wait before the next poll. */
  hintMs?: number;
}

/** Checks a call. Throws an `OperationConfigurationError` for an unknown method or a request that does not match it. */
export function prepareCall(cloud: string, path: string, request: unknown, registry: DescriptorRegistry): PreparedCall {
  const found = findUnaryMethod(registry, path);
  if (typeof found === 'string') throw configurationError(cloud, `method: ${found}`);
  const what = `${cloud} ${found.path.slice(1)}`;
  try {
    return { ...found, what, body: encodeRequest(found.method.input, request, registry) };
  } catch (err) {
    if (err instanceof RequestError) throw configurationError(cloud, `${what}: ${err.message}`);
    throw err;
  }
}

/** The encoded request. grpc-js writes Buffers only; this one shares the memory. */
export function encodeRequest(...args: Parameters<typeof jsonToRequest>): Buffer {
  const bytes = jsonToRequest(...args);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Decodes a reply. Throws an `OperationUnreadable` failure if its bytes are not a message of the method's type. */
export function readReply(
  cloud: string,
  { what, method }: PreparedCall,
  body: Buffer,
  registry: DescriptorRegistry,
): Called {
  const found = new ValueProblems();
  const reply = new MessageReader(registry, found).message(method.output, body, new Place(''));
  const problems = found.list();
  if (reply !== null) return { reply: isObject(reply) ? reply : { value: reply }, problems };
  throw unreadableReply(cloud, `${what} was answered, but its reply is ${problems[0]?.problem ?? 'null'}`);
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** For a reply that grpc-js refused to receive. */
export function replyNotReceived(cloud: string, { what }: PreparedCall): Error {
  const limit = `${MAXIMUM_REPLY_BYTES / 2 ** 20} MiB`;
  return unreadableReply(cloud, `${what} was answered, but its reply is larger than ${limit}`);
}

/** For a reply that cannot be returned: the call itself has succeeded. */
export function unreadableReply(cloud: string, message: string): Error {
  return toApplicationFailure({ type: 'OperationUnreadable', cloud, operationId: '', message, details: [] });
}
