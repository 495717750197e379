import { fromBinary, fromJson, toBinary, toJson, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { Metadata, type Client as GrpcClient } from '@grpc/grpc-js';
import type { DescriptorRegistry } from '../../src/descriptors/registry';

/** Calls a unary method as any client of the cloud would, with none of the package's requests and replies. */
export async function callUnary(
  grpc: GrpcClient,
  registry: DescriptorRegistry,
  path: string,
  request: JsonObject,
  headers: Record<string, string> = {},
): Promise<JsonObject> {
  const [, service = '', name] = path.split('/');
  const method = registry.getService(service)?.methods.find((candidate) => candidate.name === name);
  if (!method) throw new Error(`The descriptors have no method ${path}.`);
  const body = Buffer.from(toBinary(method.input, fromJson(method.input, request, { registry })));
  const reply = toJson(method.output, fromBinary(method.output, await callBytes(grpc, path, body, headers)), {
    registry,
  });
  if (!isObject(reply)) throw new Error(`${path} replied with no message.`);
  return reply;
}

/** The same with a request and a reply that are already encoded. */
export async function callBytes(
  grpc: GrpcClient,
  path: string,
  body: Buffer,
  headers: Record<string, string> = {},
): Promise<Buffer> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return await new Promise<Buffer>((resolve, reject) => {
    grpc.makeUnaryRequest(path, identity, identity, body, metadata, (err, bytes) =>
      bytes ? resolve(bytes) : reject(err ?? new Error(`${path} replied with nothing.`)),
    );
  });
}

const identity = (bytes: Buffer): Buffer => bytes;

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
