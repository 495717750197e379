import type { JsonObject } from '@bufbuild/protobuf';
import type { OperationsApi } from '../apis/api';
import { MessageReader } from '../descriptors/any-to-json';
import type { DescriptorRegistry } from '../descriptors/registry';
import { findUnaryMethod, type UnaryMethodInfo } from '../descriptors/unary-method';
import { Place, ValueProblems } from '../descriptors/value-problems';
import { jsonBytes, MAXIMUM_PAYLOAD_BYTES } from '../model/bounds';
import type { CallResult } from '../model/contract';
import { isObject } from '../model/check';
import { configurationError, toApplicationFailure } from '../model/failure';
import type { ValueProblem } from '../model/snapshot';
import { MAXIMUM_REPLY_BYTES } from '../transport/channel';
import { canMark, markedRequest, type MarkedRequest } from './marked-request';

/** A checked call of a method that starts no operation. */
export interface PreparedCall extends UnaryMethodInfo {
  /** Names the call in errors. */
  what: string;
  /** Checked, as JSON. */
  request: unknown;
  /** Encoded without a mark, so that the polls of a wait need not encode it again. */
  unmarked: MarkedRequest;
  /** Whether repeating the call has no further effect: it changes nothing, or the API can mark it with a key. */
  isRepeatable: boolean;
}

/** A reply as canonical JSON. */
export interface Called {
  /** A reply whose JSON is no object, such as that of a wrapper, is in `value`. */
  reply: JsonObject;
  /** The values that canonical JSON cannot express: they are null in `reply`. */
  problems: ValueProblem[];
}

/** How to make a prepared call. */
export interface CallTurn {
  /** Marks the call, if the API can mark it: a repeated call with the same key takes effect once. */
  key?: string;
  /** Aborts the call before it is sent. */
  signal?: AbortSignal | undefined;
  /** Aborts the call once it is being sent. @default signal */
  inFlight?: AbortSignal | undefined;
  /** Whether the call is one of many of a wait. */
  isPoll?: boolean;
}

/** What a call needs to know of its cloud. */
interface Served {
  name: string;
  registry: DescriptorRegistry;
  api: OperationsApi;
}

/** Checks a call. Throws an `OperationConfigurationError` for an unknown method or a request that does not match it. */
export function prepareCall({ name, registry, api }: Served, path: string, request: unknown): PreparedCall {
  const found = findUnaryMethod(registry, path, api.starts);
  if (typeof found === 'string') throw configurationError(name, `method: ${found}`);
  const { method, effect } = found;
  const unmarked = markedRequest({ name, registry, api }, method, request);
  const isRepeatable = effect !== 'change' || canMark(api, method, request);
  return { ...found, what: unmarked.what, request, unmarked, isRepeatable };
}

/** Decodes a reply. Throws an `OperationUnreadable` failure if its bytes are not a message of the method's type. */
export function readReply({ name, registry }: Served, { what, method }: PreparedCall, body: Buffer): Called {
  const found = new ValueProblems();
  const reply = new MessageReader(registry, found).message(method.output, body, new Place(''));
  const problems = found.list();
  if (reply !== null) return { reply: isObject(reply) ? reply : { value: reply }, problems };
  throw unreadableReply(name, `${what} was answered, but its reply is ${problems[0]?.problem ?? 'null'}`);
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

/** The reply, unless it is too large for Temporal: it must not be shortened, since callers would take it for whole. */
export function boundedReply(cloud: string, what: string, { reply, problems }: Called): CallResult {
  const size = jsonBytes(reply);
  if (size > MAXIMUM_PAYLOAD_BYTES) {
    const limit = `over the limit of ${MAXIMUM_PAYLOAD_BYTES}`;
    throw unreadableReply(cloud, `${what} was answered, but its reply is too large: ${size} bytes of JSON, ${limit}`);
  }
  return problems.length === 0 ? { reply } : { reply, problems };
}
