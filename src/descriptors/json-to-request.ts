import { create, fromJson, toBinary, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import {
  isReflectList,
  isReflectMap,
  isReflectMessage,
  reflect,
  type ReflectMessage,
} from '@bufbuild/protobuf/reflect';
import { FieldMaskSchema } from '@bufbuild/protobuf/wkt';
import { checkRequest, RequestError, type FoundMask, type RequiredRule } from './check-request';
import type { DescriptorRegistry } from './registry';

/** gRPC's default limit for received messages: services refuse larger requests unless configured otherwise. */
const MAXIMUM_REQUEST_BYTES = 4 * 1024 * 1024;

/** Encodes a request given as JSON. Throws a RequestError that names the path of an invalid value. */
export function jsonToRequest(
  schema: DescMessage,
  request: unknown,
  registry: DescriptorRegistry,
  isRequired: RequiredRule = () => false,
): Uint8Array {
  const { json, masks } = checkRequest(schema, request, registry, isRequired);
  const message = fromJson(schema, json, { registry });
  for (const mask of masks) setMask(schema, message, mask);
  const bytes = toBinary(schema, message);
  if (bytes.length <= MAXIMUM_REQUEST_BYTES) return bytes;
  throw new RequestError(`request has ${bytes.length} bytes, over the ${MAXIMUM_REQUEST_BYTES} that a service accepts`);
}

function setMask(schema: DescMessage, message: Message, { at, paths }: FoundMask): void {
  let holder: unknown = reflect(schema, message);
  for (const step of at.slice(0, -1)) {
    if (isReflectMessage(holder)) holder = holder.get(fieldOf(holder, step));
    else if (isReflectList(holder)) holder = holder.get(Number(step));
    else if (isReflectMap(holder)) holder = holder.get(step);
  }
  if (!isReflectMessage(holder)) throw new RequestError('request has a FieldMask where none is allowed');
  holder.set(fieldOf(holder, at.at(-1)), reflect(FieldMaskSchema, create(FieldMaskSchema, { paths })));
}

function fieldOf(holder: ReflectMessage, step: string | number | undefined): DescField {
  const field = holder.fields.find(({ name, jsonName }) => name === step || jsonName === step);
  if (!field) throw new RequestError(`request has no field ${step}`);
  return field;
}
