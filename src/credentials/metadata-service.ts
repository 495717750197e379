import { fieldsOf } from '../model/check';
import { configurationError } from '../model/failure';
import { messageOf } from '../model/thrown';
import { CredentialsError, type Credentials } from './credentials';

/** The link-local address is the same in every instance. */
const DEFAULT_ADDRESS = '169.254.169.254';
/** The environment variable that the cloud's own tools read. */
const ADDRESS_VARIABLE = 'YC_METADATA_ADDR';
const PATH = '/computeMetadata/v1/instance/service-accounts/default/token';
const MAXIMUM_REPLY_BYTES = 64 * 1024;
/** Covers connection, headers and body together, so that a service that trickles bytes cannot hold a fetch up. */
const TIMEOUT_MS = 5_000;

/** How to reach the metadata service. */
export interface MetadataServiceOptions {
  /** `host` or `host:port`. @default the environment variable YC_METADATA_ADDR, else 169.254.169.254 */
  address?: string;
}

/**
 * Uses tokens of the service account that is bound to the instance, function or container where the worker runs. Throws
 * an `OperationConfigurationError` for an invalid address.
 */
export function metadataService({ address }: MetadataServiceOptions = {}): Credentials {
  const source = address === undefined ? ADDRESS_VARIABLE : 'address';
  const given = address ?? (process.env[ADDRESS_VARIABLE] || DEFAULT_ADDRESS);
  const isAddress = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/i.test(given) && URL.canParse(`http://${given}`);
  if (!isAddress) {
    const shown = JSON.stringify(given.slice(0, 80));
    throw configurationError(
      '',
      `metadataService: ${source} is ${shown}: give "host" or "host:port", without a scheme`,
    );
  }
  const url = new URL(PATH, `http://${given}`);
  return {
    async getToken(signal) {
      const asked = Date.now();
      const { status, body } = await ask(url, signal);
      if (status === 404) {
        throw new CredentialsError(
          `the metadata service at ${given} has no token: bind a service account to this instance, or configure serviceAccountKey`,
        );
      }
      // A redirect is not followed: a token must come from the configured address.
      if (status !== 200) throw new Error(`the metadata service at ${given} answered ${status}`);
      const { token, lifeS } = read(body, given);
      return lifeS > 0 ? { token, expiresAt: new Date(asked + lifeS * 1000) } : { token };
    },
  };
}

function read(body: string, address: string): { token: string; lifeS: number } {
  let reply: unknown;
  try {
    reply = JSON.parse(body);
  } catch {
    reply = undefined;
  }
  const { access_token: token, expires_in: lifeS = 0 } = fieldsOf(reply);
  if (typeof token === 'string') return { token, lifeS: Number(lifeS) };
  throw new CredentialsError(`${address} is not a metadata service: its reply has no access_token`);
}

/** Asks once. Every phase ends with the timeout, and the connection closes as soon as the reply is too long. */
async function ask(url: URL, signal: AbortSignal): Promise<{ status: number; body: string }> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const reply = await fetch(url, {
      headers: { 'Metadata-Flavor': 'Google' },
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
    });
    const chunks: Uint8Array[] = [];
    let size = 0;
    const body: AsyncIterable<Uint8Array> | null = reply.body;
    for await (const chunk of body ?? []) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAXIMUM_REPLY_BYTES) throw new Error('its reply is too long');
    }
    return { status: reply.status, body: Buffer.concat(chunks).toString() };
  } catch (err) {
    const problem = timeout.aborted ? `no whole reply within ${TIMEOUT_MS / 1000} s` : messageOf(reasonOf(err));
    throw new Error(`the metadata service at ${url.host} cannot be reached: ${problem}`);
  }
}

/** `fetch` says only "fetch failed"; the reason is its cause. */
function reasonOf(err: unknown): unknown {
  return typeof err === 'object' && err !== null && 'cause' in err ? err.cause : err;
}
