import type { Client } from '@temporalio/client';
import type { Payload, SerializationContext } from '@temporalio/common';
import { misconfigured } from './names';
import type { CommandError } from './outcome';

/** The encodings of Temporal's own converters. A user's codec or converter wrote any other encoding. */
const OWN_ENCODINGS = ['binary/null', 'binary/plain', 'json/plain', 'json/protobuf', 'binary/protobuf'];

/** The encoding of the first payload that only a user's data converter can decode; undefined if there is none. */
export function foreignEncoding(payloads: readonly Payload[] | null | undefined): string | undefined {
  for (const { metadata } of payloads ?? []) {
    const encoding = Buffer.from(metadata?.encoding ?? []).toString();
    if (!OWN_ENCODINGS.includes(encoding)) return encoding;
  }
  return undefined;
}

/** Decodes payloads with the client's data converter. Throws what its codecs and converter throw. */
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

/** The CommandError for an error about a payload that the client cannot decode; undefined for other errors. */
export function unreadableError(err: unknown): CommandError | undefined {
  for (let e = err, depth = 0; e instanceof Error && depth < 10; e = e.cause, depth++) {
    const [, encoding] = /Unknown encoding: (.*)/.exec(e.message) ?? [];
    if (encoding !== undefined) return needsConverter(`Temporal has payloads of the encoding ${encoding}`);
  }
  return undefined;
}

/** The error for payloads that need the workers' data converter. `what` says which payloads. */
export function needsConverter(what: string): CommandError {
  return misconfigured(
    `${what}, which this command cannot read: the workers use a payload codec. Name the module of their dataConverter by --data-converter.`,
  );
}
