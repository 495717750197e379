import { checkAddress } from '../model/address';
import type { Duration } from '@temporalio/common';
import type { Credentials } from '../credentials/credentials';
import {
  durationMs,
  flag,
  isObject,
  numberWithin,
  onlyKeys,
  OptionError,
  plainObject,
  text,
  wholeNumber,
} from '../model/check';
import type { ProgressReader } from '../model/progress';
import type { OperationsApi } from '../apis/api';
import { BUILT_IN_APIS } from '../apis/built-in';
import { TransportSecurity, plaintextCredentials } from '../transport/tls';
import { checkCredentials } from './identity';

type ApiName = keyof typeof BUILT_IN_APIS;

/** How a worker reaches one cloud. Workflows refer to the cloud by name and never carry a host or a token. */
export interface CloudOptions {
  /** How the cloud expresses operations: a known API, or your own implementation. @default 'yandex' */
  api?: ApiName | OperationsApi;
  /**
   * `host:port` of the OperationService. Give this or `discovery`, unless the API finds the host of each service by its
   * descriptors, as Google's and Nebius's do.
   */
  endpoint?: string;
  /**
   * `host:port` of the ApiEndpointService, which lists the endpoints of the other services. Only endpoints under the
   * domain of this host are accepted. {@link yandexCloud} and the other presets set it.
   */
  discovery?: string;
  /**
   * `host:port` of the services that start operations, by proto service or by a package that contains it. The longest
   * matching name wins. @default the endpoint that `discovery` lists, else `endpoint`
   */
  services?: Record<string, string>;
  /** The identity that calls are made with. @default no authorization header */
  credentials?: Credentials;
  /** FileDescriptorSets, as paths or bytes, to decode responses, metadata and error details. @default none */
  descriptors?: (string | Uint8Array)[];
  /** Paths of PEM files, reloaded when replaced. @default the system's root certificates, no client certificate */
  tls?: { rootCertificates?: string; clientCertificate?: string; clientKey?: string; serverName?: string };
  /** Disables TLS. Rejected unless the host is loopback. @default false */
  plaintext?: boolean;
  /** The deadline of one call, at most 30 s. @default 10 s */
  requestTimeout?: Duration;
  /** How many calls this worker may have in flight to this cloud. @default 100 */
  maxConcurrentRequests?: number;
  /** How many calls per second this worker may make to this cloud; may be a fraction. @default no limit */
  maxRequestsPerSecond?: number;
  /**
   * Whether the worker sleeps through intervals under 5 s itself. If false, activity retries sleep instead, with the
   * same history and commands; a time-skipping test server requires false. @default true
   */
  watch?: boolean;
  /**
   * Functions that read progress from metadata whose fields differ from Yandex Cloud's, by full type name such as
   * `'acme.v1.CopyMetadata'`. If a reader throws, the operation's step shows the error. @default none
   */
  progress?: Record<string, ProgressReader>;
}

/** {@link CloudOptions}, checked. */
export interface ResolvedCloudOptions {
  api: OperationsApi;
  /** The address of OperationService, or of ApiEndpointService. Absent if each service has a host of its own. */
  root?: { endpoint: string } | { discovery: string };
  services: ReadonlyMap<string, string>;
  security: TransportSecurity;
  plaintext: boolean;
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
  'discovery',
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
  'api',
] as const satisfies readonly (keyof CloudOptions)[];

/** A poll must end before its activity attempt times out. */
const MAXIMUM_REQUEST_TIMEOUT_MS = 30_000;

/** Checks the options of a cloud. Throws an OptionError that names the field, its value and what to change. */
export function resolveCloudOptions(options: CloudOptions): ResolvedCloudOptions {
  onlyKeys('', plainObject('options', options), KEYS);
  const api = apiOf(options.api ?? 'yandex');
  const root = rootOf(options, api);
  const services = new Map(
    Object.entries(plainObject('services', options.services ?? {})).map(([name, address]) => [
      name,
      checkAddress(`services["${name}"]`, address),
    ]),
  );
  const plaintext = flag('plaintext', options.plaintext ?? false);
  const { credentials } = options;
  if (plaintext) [...Object.values(root ?? {}), ...services.values()].forEach(plaintextCredentials);
  const isOwn = Object.values(BUILT_IN_APIS).some((make) => make().name === api.name);
  if (credentials !== undefined) checkCredentials(credentials, { api, isOwn, root });
  const tls = plainObject('tls', options.tls ?? {});
  onlyKeys('tls', tls, ['rootCertificates', 'clientCertificate', 'clientKey', 'serverName']);
  for (const [key, value] of Object.entries(tls)) {
    if (value !== undefined) text(`tls.${key}`, value);
  }
  return {
    api,
    ...(root && { root }),
    services,
    security: new TransportSecurity(options.tls),
    plaintext,
    ...(credentials && { credentials }),
    descriptors: descriptorsOf(options.descriptors ?? []),
    requestTimeoutMs: requestTimeoutMs(options.requestTimeout ?? '10 s'),
    maxConcurrentRequests: wholeNumber('maxConcurrentRequests', options.maxConcurrentRequests ?? 100, 1),
    maxRequestsPerSecond: numberWithin(
      'maxRequestsPerSecond',
      options.maxRequestsPerSecond ?? Infinity,
      'give a number above 0',
      (n) => n > 0,
    ),
    watch: flag('watch', options.watch ?? true),
    progress: new Map(
      Object.entries(plainObject('progress', options.progress ?? {})).map(([type, reader]) => [
        type,
        checkReader(type, reader),
      ]),
    ),
  };
}

function apiOf(api: unknown): OperationsApi {
  if (isApiName(api)) return BUILT_IN_APIS[api]();
  if (isApi(api)) return api;
  throw new OptionError(
    'api',
    api,
    `give one of ${Object.keys(BUILT_IN_APIS).join(', ')}, or an OperationsApi of your own`,
  );
}

function isApiName(api: unknown): api is ApiName {
  return typeof api === 'string' && Object.hasOwn(BUILT_IN_APIS, api);
}

function isApi(api: unknown): api is OperationsApi {
  return isObject(api) && 'get' in api && 'decodeStarted' in api;
}

function checkReader(type: string, reader: unknown): ProgressReader {
  if (isReader(reader)) return reader;
  throw new OptionError(`progress[${JSON.stringify(type)}]`, reader, 'give a function that takes the metadata');
}

function isReader(reader: unknown): reader is ProgressReader {
  return typeof reader === 'function';
}

function rootOf({ endpoint, discovery }: CloudOptions, api: OperationsApi): ResolvedCloudOptions['root'] {
  if (endpoint === undefined && discovery === undefined) {
    if (api.hostsOf) return undefined;
    const rule = 'give the host:port of the OperationService, or use yandexCloud() or another preset';
    throw new OptionError('endpoint', endpoint, rule);
  }
  if (discovery === undefined) return { endpoint: checkAddress('endpoint', endpoint) };
  if (endpoint === undefined) return { discovery: checkAddress('discovery', discovery) };
  throw new OptionError('discovery', discovery, `give either discovery or endpoint (${endpoint}), not both`);
}

function descriptorsOf(sets: (string | Uint8Array)[]): (string | Uint8Array)[] {
  const isList = Array.isArray(sets) && sets.every((set) => typeof set === 'string' || set instanceof Uint8Array);
  if (!isList) throw new OptionError('descriptors', sets, 'give a list of files or bytes');
  return sets;
}

function requestTimeoutMs(value: Duration): number {
  const ms = durationMs('requestTimeout', value);
  if (ms > MAXIMUM_REQUEST_TIMEOUT_MS) throw new OptionError('requestTimeout', value, 'give at most 30 s');
  return ms;
}
