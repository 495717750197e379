import { fromJsonString } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { CANCEL, GET, message, method } from '../apis/envelope';
import type { DescriptorRegistry } from '../descriptors/registry';
import type { AnyJson } from '../model/snapshot';
import { TYPE_URL_PREFIX, type CheckedError } from './check-script';
import type { Scene } from './play';

/** The methods that a FakeCloud has of its own, by their path. */
export const OPERATION_METHODS: ReadonlyMap<string, 'Get' | 'Cancel'> = new Map([
  [GET.path, 'Get'],
  [CANCEL.path, 'Cancel'],
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
  return message('google.rpc.Status').serialize(status(error, registry));
}

function status({ code, message = '', details = [] }: CheckedError, registry: DescriptorRegistry): object {
  return { code, message, details: details.map((detail) => toAnyBytes(detail, registry)) };
}

function timestamp(ms: number): object {
  const seconds = Math.floor(ms / 1000);
  return { seconds: String(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}

/** A google.protobuf.Any as proto-loader takes it. */
interface AnyBytes {
  type_url: string;
  value: Uint8Array;
}

/**
 * Writes an Any from its canonical JSON, or from `{ '@type', base64 }`, whose bytes are sent as they are. Throws when
 * the JSON is not of the type that it names, or when the descriptors lack that type.
 */
function toAnyBytes(json: AnyJson, registry: DescriptorRegistry): AnyBytes {
  const { '@type': type, base64 } = json;
  const typeUrl = type.includes('/') ? type : TYPE_URL_PREFIX + type;
  if (typeof base64 === 'string') return { type_url: typeUrl, value: Buffer.from(base64, 'base64') };
  try {
    const any = fromJsonString(AnySchema, JSON.stringify({ ...json, '@type': typeUrl }), { registry });
    return { type_url: any.typeUrl, value: any.value };
  } catch (err) {
    throw new Error(
      `cannot write ${JSON.stringify(json)} as ${type}: ${err instanceof Error ? err.message : String(err)}. Give that type's canonical JSON, its descriptor set to FakeCloud.start({ descriptors }), or the bytes as { '@type', base64 }`,
    );
  }
}
