import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common';

const ENCODING = Buffer.from('binary/encrypted');
/** A fixed key for tests, the same in every process. */
const KEY = Buffer.alloc(32, 7);

/** Encrypts whole payloads with AES-256-GCM, as a user's codec does. */
export const codec: PayloadCodec = {
  encode: (payloads) => Promise.resolve(payloads.map(encrypt)),
  decode: (payloads) => Promise.resolve(payloads.map(decrypt)),
};

function encrypt({ metadata, data }: Payload): Payload {
  const encoding = Buffer.from(metadata?.encoding ?? []);
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', KEY, iv);
  const plain = Buffer.concat([Buffer.of(encoding.length), encoding, data ?? Buffer.alloc(0)]);
  const sealed = Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return { metadata: { encoding: ENCODING }, data: sealed };
}

function decrypt(payload: Payload): Payload {
  const encoding = payload.metadata?.encoding;
  if (!payload.data || !encoding || !ENCODING.equals(encoding)) return payload;
  const sealed = Buffer.from(payload.data);
  const decipher = createDecipheriv('aes-256-gcm', KEY, sealed.subarray(0, 12));
  decipher.setAuthTag(sealed.subarray(-16));
  const plain = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
  const length = 1 + (plain[0] ?? 0);
  return { metadata: { encoding: plain.subarray(1, length) }, data: plain.subarray(length) };
}

/** For a worker, and for a module that `--data-converter` names. */
export const dataConverter: DataConverter = { payloadCodecs: [codec] };
