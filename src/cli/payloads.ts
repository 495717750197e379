import { createRequire } from 'module';
import { join } from 'path';
import { pathToFileURL } from 'url';
import type { Client } from '@temporalio/client';
import type { DataConverter, Payload, PayloadCodec, SerializationContext } from '@temporalio/common';
import { fieldsOf, isObject } from '../model/check';
import { errorCode, messageOf } from '../model/thrown';
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

/**
 * Loads the data converter that a module exports, in the form of a worker's `dataConverter`: as the default export, the
 * export `dataConverter`, or the module itself. Resolves `name` as Node.js does from the current directory. Throws a
 * CommandError if the module cannot be loaded or exports no data converter. The codecs throw a CommandError for
 * payloads that they cannot encode or decode.
 */
export async function loadDataConverter(name: string): Promise<DataConverter> {
  if (name === '') throw misconfigured('--data-converter is empty: name a module, or leave it out.');
  const loaded = await loadModule(name).catch((err: unknown) => {
    // The first line of the message is the error; a require stack follows.
    const [reason = ''] = messageOf(err).split('\n');
    throw misconfigured(
      `--data-converter is ${JSON.stringify(name)}, which cannot be loaded (${reason}): name a module that exports the dataConverter of your workers, such as "./data-converter.js".`,
    );
  });
  const exported = exportsOf(loaded).find(isDataConverter);
  if (exported) {
    const { payloadCodecs = [] } = exported;
    return { ...exported, payloadCodecs: payloadCodecs.map(tellingCodec) };
  }
  throw misconfigured(
    `--data-converter is ${JSON.stringify(name)}, which exports no data converter: export an object with payloadCodecs, payloadConverterPath or failureConverterPath, by default or as "dataConverter".`,
  );
}

async function loadModule(name: string): Promise<unknown> {
  const requireHere = createRequire(join(process.cwd(), 'here.js'));
  const path = requireHere.resolve(name);
  try {
    return requireHere(path);
  } catch (err) {
    if (!/^ERR_REQUIRE_(ESM|ASYNC_MODULE)$/.test(errorCode(err))) throw err;
    return import(pathToFileURL(path).href);
  }
}

/** Wraps a codec so that its errors become CommandErrors. */
function tellingCodec(codec: PayloadCodec): PayloadCodec {
  const told = (what: 'encode' | 'decode'): PayloadCodec['encode'] => {
    return async (payloads, context) => {
      try {
        return await codec[what](payloads, context);
      } catch (err) {
        throw misconfigured(
          `A codec of --data-converter cannot ${what} ${encodingsOf(payloads)} (${messageOf(err)}): use the module and the keys of the workers.`,
        );
      }
    };
  };
  return { encode: told('encode'), decode: told('decode') };
}

function encodingsOf(payloads: Payload[]): string {
  const encodings = new Set(payloads.map(({ metadata }) => Buffer.from(metadata?.encoding ?? []).toString()));
  return `a payload of the encoding ${[...encodings].join(', ')}`;
}

/** Unwraps default exports as compilers emit them, twice if an ES module imports a CommonJS one. */
function exportsOf(loaded: unknown): unknown[] {
  const byDefault = member(loaded, 'default');
  return [loaded, byDefault, member(byDefault, 'default')].flatMap((one) => [member(one, 'dataConverter'), one]);
}

function member(value: unknown, name: string): unknown {
  return fieldsOf(value)[name];
}

function isDataConverter(value: unknown): value is DataConverter {
  const [payloadPath, failurePath] = ['payloadConverterPath', 'failureConverterPath'].map((key) => member(value, key));
  const codecs = member(value, 'payloadCodecs');
  if ([payloadPath, failurePath, codecs].every((one) => one === undefined)) return false;
  const isPath = (one: unknown): boolean => one === undefined || typeof one === 'string';
  return isPath(payloadPath) && isPath(failurePath) && (codecs === undefined || isCodecs(codecs));
}

function isCodecs(codecs: unknown): boolean {
  // A codec may be a class instance, whose methods are inherited.
  const isCodec = (codec: unknown): boolean =>
    isObject(codec) && [codec.encode, codec.decode].every((method) => typeof method === 'function');
  return Array.isArray(codecs) && codecs.every(isCodec);
}
