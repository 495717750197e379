import { fromJsonString } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import type { RawOperation, RawStatus, RawTimestamp } from '../apis/api';
import type { RawAny } from '../descriptors/any-to-json';
import type { DescriptorRegistry } from '../descriptors/registry';
import type { AnyJson } from '../model/snapshot';
import { messageOf } from '../model/thrown';
import { TYPE_URL_PREFIX, type CheckedError } from './check-script';
import type { Scene } from './play';

/** Encodes the messages in an operation. Throws if an Any in it cannot be encoded. */
export function toRawOperation(
  { id, createdAt, description }: { id: string; createdAt: number; description?: string | undefined },
  { done, modifiedAt, metadata, error, response }: Scene,
  registry: DescriptorRegistry,
): RawOperation {
  return {
    id,
    ...(description && { description }),
    createdAt: timestamp(createdAt),
    createdBy: 'fakecloud',
    modifiedAt: timestamp(modifiedAt),
    done,
    ...(metadata && { metadata: toRawAny(metadata, registry) }),
    ...(error && { error: toRawStatus(error, registry) }),
    ...(response && { response: toRawAny(response, registry) }),
  };
}

/** Throws as {@link toRawOperation} does. */
export function toRawStatus(
  { code, message = '', details = [] }: CheckedError,
  registry: DescriptorRegistry,
): RawStatus {
  return { code, message, details: details.map((detail) => toRawAny(detail, registry)) };
}

function timestamp(ms: number): RawTimestamp {
  const seconds = Math.floor(ms / 1000);
  return { seconds: String(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}

/**
 * Encodes an Any from its canonical JSON, or from `{ '@type', base64 }`, whose bytes are sent unchanged. Throws if the
 * JSON does not match the type that it names, or if the descriptors lack that type.
 */
function toRawAny(json: AnyJson, registry: DescriptorRegistry): RawAny {
  const { '@type': type, base64 } = json;
  const typeUrl = type.includes('/') ? type : TYPE_URL_PREFIX + type;
  if (typeof base64 === 'string') return { typeUrl, value: Buffer.from(base64, 'base64') };
  try {
    const any = fromJsonString(AnySchema, JSON.stringify({ ...json, '@type': typeUrl }), { registry });
    return { typeUrl: any.typeUrl, value: any.value };
  } catch (err) {
    throw new Error(
      `cannot write ${JSON.stringify(json)} as ${type}: ${messageOf(err)}. Give that type's canonical JSON, its descriptor set to FakeCloud.start({ descriptors }), or the bytes as { '@type', base64 }`,
    );
  }
}
