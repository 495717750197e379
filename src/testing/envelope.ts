import { loadSync, type AnyDefinition, type MessageTypeDefinition, type MethodDefinition } from '@grpc/proto-loader';
import { PROTO_DIRECTORY } from '../descriptors/load';
import type { DescriptorRegistry } from '../descriptors/registry';
import { toAnyBytes } from './any-bytes';
import type { CheckedError } from './check-fields';
import type { Scene } from './play';

const SERVICE = 'yandex.cloud.operation.OperationService';
const definitions = loadSync(['yandex/cloud/operation/operation_service.proto', 'google/rpc/status.proto'], {
  includeDirs: [PROTO_DIRECTORY],
  keepCase: false,
  longs: String,
  enums: String,
  oneofs: true,
});

/** The methods that a FakeCloud has of its own, by their path. */
export const OPERATION_METHODS: ReadonlyMap<string, 'Get' | 'Cancel'> = new Map([
  [method('Get').path, 'Get'],
  [method('Cancel').path, 'Cancel'],
]);

/** The field `operation_id` of a request of Get or Cancel, which are the same on the wire. Throws for broken bytes. */
export function readRequestedId(request: Buffer): string {
  const { operationId }: { operationId?: unknown } = method('Get').requestDeserialize(request);
  return typeof operationId === 'string' ? operationId : '';
}

/** The bytes of an Operation. Throws when an Any in it cannot be written. */
export function writeOperation(
  { id, createdAt, description }: { id: string; createdAt: number; description?: string | undefined },
  { done, modifiedAt, metadata, error, response }: Scene,
  registry: DescriptorRegistry,
): Buffer {
  return method('Get').responseSerialize({
    id,
    ...(description && { description }),
    createdAt: timestamp(createdAt),
    createdBy: 'fakecloud',
    modifiedAt: timestamp(modifiedAt),
    done,
    ...(metadata && { metadata: toAnyBytes(metadata, registry) }),
    ...(error && { error: status(error, registry) }),
    ...(response && { response: toAnyBytes(response, registry) }),
  });
}

/** The bytes of a google.rpc.Status, for the trailer `grpc-status-details-bin`. Throws as {@link writeOperation} does. */
export function writeStatus(error: CheckedError, registry: DescriptorRegistry): Buffer {
  return messageType('google.rpc.Status').serialize(status(error, registry));
}

function status({ code, message = '', details = [] }: CheckedError, registry: DescriptorRegistry): object {
  return { code, message, details: details.map((detail) => toAnyBytes(detail, registry)) };
}

function timestamp(ms: number): object {
  const seconds = Math.floor(ms / 1000);
  return { seconds: String(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}

function method(name: string): MethodDefinition<object, object> {
  const service = definitions[SERVICE];
  const found = service && !('format' in service) ? service[name] : undefined;
  if (!found) throw new Error(`proto/ has no ${SERVICE}.${name}`);
  return found;
}

function messageType(name: string): MessageTypeDefinition<object, object> {
  const found = definitions[name];
  if (!found || !isMessageType(found)) throw new Error(`proto/ has no ${name}`);
  return found;
}

function isMessageType(definition: AnyDefinition): definition is MessageTypeDefinition<object, object> {
  return definition.format === 'Protocol Buffer 3 DescriptorProto';
}
