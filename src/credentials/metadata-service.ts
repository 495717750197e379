import { get, type IncomingMessage } from 'http';
import { configurationError } from '../model/failure';
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
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(\d{1,5}))?$/i.exec(given);
  if (!match) {
    const shown = JSON.stringify(given.slice(0, 80));
    throw configurationError(
      '',
      `metadataService: ${source} is ${shown}: give "host" or "host:port", without a scheme`,
    );
  }
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '');
  const port = Number(match[2] ?? 80);
  return {
    async getToken(signal) {
      const asked = Date.now();
      const { status, body } = await ask(host, port, signal);
      if (status === 404) {
        throw new CredentialsError(
          `the metadata service at ${given} has no token: bind a service account to this instance, or configure serviceAccountKey`,
        );
      }
      // Redirects are not followed: a token must come from the configured address.
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
  if (typeof reply === 'object' && reply !== null && 'access_token' in reply) {
    const lifeS = 'expires_in' in reply ? Number(reply.expires_in) : 0;
    if (typeof reply.access_token === 'string') return { token: reply.access_token, lifeS };
  }
  throw new CredentialsError(`${address} is not a metadata service: its reply has no access_token`);
}

/** Uses an agent of its own, so that no proxy from the environment applies. */
function ask(host: string, port: number, signal: AbortSignal): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const failed = (err: Error): void => {
      const problem = timeout.aborted ? `no whole reply within ${TIMEOUT_MS / 1000} s` : err.message;
      reject(new Error(`the metadata service at ${host}:${port} cannot be reached: ${problem}`));
    };
    const options = {
      host,
      port,
      path: PATH,
      headers: { 'Metadata-Flavor': 'Google' },
      agent: false as const,
      signal: AbortSignal.any([signal, timeout]),
    };
    const request = get(options, (reply: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let size = 0;
      reply.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > MAXIMUM_REPLY_BYTES) request.destroy(new Error('its reply is too long'));
      });
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      reply.on('error', failed);
    });
    request.on('error', failed);
  });
}
