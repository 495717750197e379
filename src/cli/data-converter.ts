import { createRequire } from 'module';
import { join } from 'path';
import { pathToFileURL } from 'url';
import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common';
import { errorCode, messageOf } from './error-text';
import { misconfigured } from './names';

/**
 * The data converter that a module exports, as a worker's `dataConverter` names it: its default export, its export
 * `dataConverter`, or the module itself. A name is resolved as Node.js does it in the current directory. Throws a
 * CommandError for a module that cannot be loaded or that exports no data converter; its codecs throw one for payloads
 * that they cannot encode or decode.
 */
export async function loadDataConverter(name: string): Promise<DataConverter> {
  if (name === '') throw misconfigured('--data-converter is empty: name a module, or leave it out.');
  const loaded = await loadModule(name).catch((err: unknown) => {
    // Of the lines of an error in the module, the first says what; a stack of requires follows.
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

/** The codec, with a sentence for what it throws. */
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

/** Also what a compiler made of a default export, twice where an ES module imports a CommonJS one. */
function exportsOf(loaded: unknown): unknown[] {
  const byDefault = member(loaded, 'default');
  return [loaded, byDefault, member(byDefault, 'default')].flatMap((one) => [member(one, 'dataConverter'), one]);
}

function member(value: unknown, name: string): unknown {
  const values: Record<string, unknown> = typeof value === 'object' && value !== null ? { ...value } : {};
  return values[name];
}

function isDataConverter(value: unknown): value is DataConverter {
  const [payloadPath, failurePath] = ['payloadConverterPath', 'failureConverterPath'].map((key) => member(value, key));
  const codecs = member(value, 'payloadCodecs');
  if ([payloadPath, failurePath, codecs].every((one) => one === undefined)) return false;
  const isPath = (one: unknown): boolean => one === undefined || typeof one === 'string';
  return isPath(payloadPath) && isPath(failurePath) && (codecs === undefined || isCodecs(codecs));
}

function isCodecs(codecs: unknown): boolean {
  // A codec may be of a class, whose methods are not its own.
  const isCodec = (codec: unknown): boolean =>
    typeof codec === 'object' &&
    codec !== null &&
    'encode' in codec &&
    'decode' in codec &&
    [codec.encode, codec.decode].every((method) => typeof method === 'function');
  return Array.isArray(codecs) && codecs.every(isCodec);
}
