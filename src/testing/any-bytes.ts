import { fromJsonString } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import type { DescriptorRegistry } from '../descriptors/registry';
import type { AnyJson } from '../model/snapshot';
import { TYPE_URL_PREFIX } from './check-fields';

/** A google.protobuf.Any as proto-loader takes it. */
export interface AnyBytes {
  type_url: string;
  value: Uint8Array;
}

/**
 * Writes an Any from its canonical JSON, or from `{ '@type', base64 }`, whose bytes are sent as they are. Throws when
 * the JSON is not of the type that it names, or when the descriptors lack that type.
 */
export function toAnyBytes(json: AnyJson, registry: DescriptorRegistry): AnyBytes {
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
