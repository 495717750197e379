import { fieldsOf, isObject } from '../model/check';
import { configurationError } from '../model/failure';
import { messageOf } from '../model/thrown';
import { CredentialsError, type Credentials } from './credentials';

/** The metadata service of the instances of a cloud. */
export interface InstanceTokens {
  /** `host` or `host:port`. */
  readonly address: string;
  /** The environment variable in which the cloud's own tools look for another address. */
  readonly variable?: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Of Yandex Cloud and Google Cloud. */
const COMPUTE: InstanceTokens = {
  // The link-local address is the same in every instance.
  address: '169.254.169.254',
  variable: 'YC_METADATA_ADDR',
  path: '/computeMetadata/v1/instance/service-accounts/default/token',
  headers: { 'Metadata-Flavor': 'Google' },
};

export const NEBIUS_INSTANCE: InstanceTokens = {
  address: 'metadata.nebius.internal',
  path: '/v1/iam/sa/token',
  headers: { Metadata: 'true' },
};

const MAXIMUM_REPLY_BYTES = 64 * 1024;
/** Covers connection, headers and body together, so that a service that trickles bytes cannot hold a fetch up. */
const TIMEOUT_MS = 5_000;

/** How to reach the metadata service. */
export interface MetadataServiceOptions {
  /**
   * `host` or `host:port`. @default `metadata.nebius.internal` for a cloud whose `api` is `'nebius'`; else the
   * environment variable YC_METADATA_ADDR, else 169.254.169.254
   */
  address?: string;
}

/**
 * Uses tokens of the service account that is bound to the instance, function or container where the worker runs, in the
 * cloud for which they are configured. Throws an `OperationConfigurationError` for an invalid address.
 */
export function metadataService({ address }: MetadataServiceOptions = {}): Credentials {
  return new MetadataCredentials(address);
}

/** What {@link metadataService} returns. */
export class MetadataCredentials implements Credentials {
  readonly #address: string | undefined;
  readonly #service: InstanceTokens;
  readonly #url: URL;

  constructor(address: string | undefined, service: InstanceTokens = COMPUTE) {
    this.#address = address;
    this.#service = service;
    this.#url = urlOf(address, service);
  }

  /** The same for the instances of another cloud. */
  of(service: InstanceTokens): Credentials {
    return new MetadataCredentials(this.#address, service);
  }

  async getToken(signal: AbortSignal): Promise<{ token: string; expiresAt?: Date }> {
    const { host } = this.#url;
    const askedAtMs = Date.now();
    const { status, body } = await ask(this.#url, this.#service.headers, signal);
    if (status === 404) {
      const fix = 'bind a service account to this instance, or configure other credentials';
      throw new CredentialsError(`the metadata service at ${host} has no token: ${fix}`);
    }
    // A redirect is not followed: a token must come from the configured address.
    if (status !== 200) throw new Error(`the metadata service at ${host} answered ${status}`);
    return read(body, host, askedAtMs);
  }
}

function urlOf(address: string | undefined, service: InstanceTokens): URL {
  const variable = address === undefined && service.variable !== undefined && process.env[service.variable];
  const given = address ?? (variable || service.address);
  const isAddress = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/i.test(given) && URL.canParse(`http://${given}`);
  if (isAddress) return new URL(service.path, `http://${given}`);
  const problem = `${variable ? service.variable : 'address'} is ${JSON.stringify(given.slice(0, 80))}`;
  throw configurationError('', `metadataService: ${problem}: give "host" or "host:port", without a scheme`);
}

/** Reads `{ access_token, expires_in }` or `{ access_token, expires_at }`. */
function read(body: string, host: string, askedAtMs: number): { token: string; expiresAt?: Date } {
  let reply: unknown;
  try {
    reply = JSON.parse(body);
  } catch {
    reply = undefined;
  }
  const { access_token: token, expires_in: lifeS, expires_at: end } = fieldsOf(reply);
  if (typeof token !== 'string') {
    throw new CredentialsError(`${host} is not a metadata service: its reply has no access_token`);
  }
  const expiresAt = new Date(typeof end === 'string' ? Date.parse(end) : askedAtMs + Number(lifeS) * 1000);
  return Number(lifeS) <= 0 || Number.isNaN(expiresAt.getTime()) ? { token } : { token, expiresAt };
}

/** Asks once. Every phase ends with the timeout, and the connection closes as soon as the reply is too long. */
async function ask(
  url: URL,
  headers: InstanceTokens['headers'],
  signal: AbortSignal,
): Promise<{ status: number; body: string }> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const reply = await fetch(url, {
      headers,
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
  return isObject(err) && 'cause' in err ? err.cause : err;
}
