import { readFileSync } from 'fs';
import { credentials, type ChannelCredentials } from '@grpc/grpc-js';
import type { Duration } from '@temporalio/common';
import type { Credentials } from '../credentials/credentials';
import { durationMs, onlyKeys, OptionError } from '../model/options';
import type { ProgressReader } from '../model/progress';
import { checkAddress, isLoopback } from './endpoint';

/** One cloud as a worker reaches it. Workflows name it; they never carry a host or a token. */
export interface CloudOptions {
  /** `host:port` of the OperationService. */
  endpoint?: string;
  /**
   * Where methods that start operations are called: a proto service, or a package that holds it, to its `host:port`;
   * the longest name that fits counts. @default the endpoint
   */
  services?: Record<string, string>;
  /** Whom the calls are made as. @default no authorization header */
  credentials?: Credentials;
  /** FileDescriptorSets, as files or bytes: what responses, metadata and error details are read with. @default none */
  descriptors?: (string | Uint8Array)[];
  /** PEM files. @default the system's root certificates, no client certificate */
  tls?: { rootCertificates?: string; clientCertificate?: string; clientKey?: string; serverName?: string };
  /** No TLS; refused unless the host is loopback. @default false */
  plaintext?: boolean;
  /** The deadline of one call, at most 30 s. @default 10 s */
  requestTimeout?: Duration;
  /** Calls at once to this cloud from this worker. @default 100 */
  maxConcurrentRequests?: number;
  /** Calls begun in a second to this cloud from this worker; may be a fraction. @default no limit */
  maxRequestsPerSecond?: number;
  /**
   * Whether intervals under 5 s are slept in the worker. With false they are slept by activity retries, which makes the
   * same history and the same commands; needed where a test server skips time. @default true
   */
  watch?: boolean;
  /**
   * How to read progress out of metadata whose fields tell it in another way than Yandex Cloud's do, by full type name
   * such as `'acme.v1.CopyMetadata'`. A reader that throws is shown as the operation's step. @default none
   */
  progress?: Record<string, ProgressReader>;
}

/** {@link CloudOptions}, checked. */
export interface ResolvedCloudOptions {
  endpoint: string;
  services: ReadonlyMap<string, string>;
  /** How a channel to that address is secured. */
  channelCredentials: (address: string) => ChannelCredentials;
  serverName?: string;
  credentials?: Credentials;
  descriptors: (string | Uint8Array)[];
  requestTimeoutMs: number;
  maxConcurrentRequests: number;
  maxRequestsPerSecond: number;
  watch: boolean;
  progress: ReadonlyMap<string, ProgressReader>;
}

const KEYS = [
  'endpoint',
  'services',
  'credentials',
  'descriptors',
  'tls',
  'plaintext',
  'requestTimeout',
  'maxConcurrentRequests',
  'maxRequestsPerSecond',
  'watch',
  'progress',
] as const satisfies readonly (keyof CloudOptions)[];

/** A poll must end before its activity attempt is given up. */
const MAXIMUM_REQUEST_TIMEOUT_MS = 30_000;

/** Checks the options of a cloud; throws an OptionError that names the field, its value and what to change. */
export function resolveCloudOptions(options: CloudOptions): ResolvedCloudOptions {
  onlyKeys('', { ...options }, KEYS);
  const endpoint = checkAddress('endpoint', options.endpoint);
  const services = new Map(
    Object.entries(options.services ?? {}).map(([name, address]) => [
      name,
      checkAddress(`services["${name}"]`, address),
    ]),
  );
  for (const address of [endpoint, ...services.values()]) channelCredentials(address, options);
  return {
    endpoint,
    services,
    channelCredentials: (address) => channelCredentials(address, options),
    ...(options.tls?.serverName === undefined ? {} : { serverName: options.tls.serverName }),
    ...(options.credentials && { credentials: options.credentials }),
    descriptors: options.descriptors ?? [],
    requestTimeoutMs: requestTimeoutMs(options.requestTimeout ?? '10 s'),
    maxConcurrentRequests: positive('maxConcurrentRequests', options.maxConcurrentRequests ?? 100, Number.isInteger),
    maxRequestsPerSecond: positive('maxRequestsPerSecond', options.maxRequestsPerSecond ?? Infinity),
    watch: options.watch ?? true,
    progress: new Map(
      Object.entries(options.progress ?? {}).map(([type, reader]) => [type, checkReader(type, reader)]),
    ),
  };
}

function checkReader(type: string, reader: ProgressReader): ProgressReader {
  if (typeof reader === 'function') return reader;
  throw new OptionError(`progress[${JSON.stringify(type)}]`, reader, 'give a function of the metadata');
}

function requestTimeoutMs(value: Duration): number {
  const ms = durationMs('requestTimeout', value);
  if (ms > MAXIMUM_REQUEST_TIMEOUT_MS) throw new OptionError('requestTimeout', value, 'give at most 30 s');
  return ms;
}

function positive(field: string, value: number, also: (value: number) => boolean = () => true): number {
  if (typeof value !== 'number' || !(value > 0) || !also(value))
    throw new OptionError(field, value, 'give a number above 0');
  return value;
}

function channelCredentials(endpoint: string, { plaintext, tls }: CloudOptions): ChannelCredentials {
  if (plaintext) {
    if (!isLoopback(endpoint)) {
      throw new OptionError(
        'plaintext',
        true,
        `${endpoint} is not on this machine, and tokens must not cross a network unencrypted`,
      );
    }
    return credentials.createInsecure();
  }
  return credentials.createSsl(
    pem('tls.rootCertificates', tls?.rootCertificates),
    pem('tls.clientKey', tls?.clientKey),
    pem('tls.clientCertificate', tls?.clientCertificate),
  );
}

function pem(field: string, file: string | undefined): Buffer | null {
  if (file === undefined) return null;
  try {
    return readFileSync(file);
  } catch (err) {
    throw new OptionError(
      field,
      file,
      `give a readable PEM file (${err instanceof Error ? err.message : String(err)})`,
    );
  }
}
