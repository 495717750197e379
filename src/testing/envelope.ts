import { fromJsonString } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { message, method } from '../apis/envelope';
import { yandexApi } from '../apis/yandex';
import type { DescriptorRegistry } from '../descriptors/registry';
import type { AnyJson } from '../model/snapshot';
import { messageOf } from '../model/thrown';
import { TYPE_URL_PREFIX, type CheckedError } from './check-script';
import type { Scene } from './play';

/** The methods of OperationService, by path. */
export const OPERATION_METHODS: ReadonlyMap<string, 'Get' | 'Cancel'> = new Map([
  [yandexApi.get.path, 'Get'],
  [yandexApi.get.path.replace(/Get$/, 'Cancel'), 'Cancel'],
]);

/** Returns `operation_id` of a Get or Cancel request, which have the same wire format. Throws for invalid bytes. */
export function readRequestedId(request: Buffer): string {
  const { operationId }: { operationId?: unknown } = method('Get').requestDeserialize(request);
  return typeof operationId === 'string' ? operationId : '';
}

/** Encodes an Operation. Throws if an Any in it cannot be encoded. */
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

/** Encodes a google.rpc.Status for the trailer `grpc-status-details-bin`. Throws as {@link writeOperation} does. */
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
 * Encodes an Any from its canonical JSON, or from `{ '@type', base64 }`, whose bytes are sent unchanged. Throws if the
 * JSON does not match the type that it names, or if the descriptors lack that type.
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
      `cannot write ${JSON.stringify(json)} as ${type}: ${messageOf(err)}. Give that type's canonical JSON, its descriptor set to FakeCloud.start({ descriptors }), or the bytes as { '@type', base64 }`,
    );
  }
}
