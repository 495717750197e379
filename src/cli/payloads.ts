import type { Client } from '@temporalio/client';
import type { Payload, SerializationContext } from '@temporalio/common';
import { misconfigured } from './names';
import type { CommandError } from './outcome';

/** What Temporal's own converters write; anything else was written by a codec or a converter of the user's. */
const OWN_ENCODINGS = ['binary/null', 'binary/plain', 'json/plain', 'json/protobuf', 'binary/protobuf'];

/** The encoding of the first payload that only a data converter of the user's can read; undefined where there is none. */
export function foreignEncoding(payloads: readonly Payload[] | null | undefined): string | undefined {
  for (const { metadata } of payloads ?? []) {
    const encoding = Buffer.from(metadata?.encoding ?? []).toString();
    if (!OWN_ENCODINGS.includes(encoding)) return encoding;
  }
  return undefined;
}

/** The values of payloads as the client's data converter reads them; throws what its codecs and converter throw. */
export async function decoded(
  client: Client,
  payloads: readonly Payload[] | null | undefined,
  context: SerializationContext,
): Promise<unknown[]> {
  const { payloadCodecs, payloadConverter } = client.options.loadedDataConverter;
  let plain = [...(payloads ?? [])];
  for (const codec of [...payloadCodecs].reverse()) plain = await codec.decode(plain, context);
  return plain.map((payload) => payloadConverter.fromPayload<unknown>(payload, context));
}

/** The sentence for an error that tells of a payload which the client's data converter cannot read; undefined for others. */
export function unreadableError(err: unknown): CommandError | undefined {
  for (let e = err, depth = 0; e instanceof Error && depth < 10; e = e.cause, depth++) {
    const [, encoding] = /Unknown encoding: (.*)/.exec(e.message) ?? [];
    if (encoding !== undefined) return needsConverter(`Temporal has payloads of the encoding ${encoding}`);
  }
  return undefined;
}

/** Payloads that the workers wrote by a data converter of their own, which `what` tells of. */
export function needsConverter(what: string): CommandError {
  return misconfigured(
    `${what}, which this command cannot read: the workers use a payload codec. Name the module of their dataConverter by --data-converter.`,
  );
}
