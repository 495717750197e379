import { readFileSync } from 'fs';
import { credentials, type ChannelCredentials } from '@grpc/grpc-js';
import type { Duration } from '@temporalio/common';
import type { Credentials } from '../credentials/credentials';
import { durationMs, onlyKeys, OptionError } from '../model/options';
import { checkAddress, isLoopback } from './endpoint';

/** One cloud as a worker reaches it. Workflows name it; they never carry a host or a token. */
export interface CloudOptions {
  /** `host:port` of the OperationService. */
  endpoint?: string;
  /** Whom the calls are made as. @default no authorization header */
  credentials?: Credentials;
  /** FileDescriptorSets, as files or bytes: what responses, metadata and error details are read with. @default none */
  descriptors?: (string | Uint8Array)[];
  /** PEM files. @default the system's root certificates, no client certificate */
  tls?: { rootCertificates?: string; clientCertificate?: string; clientKey?: string; serverName?: string };
  /** No TLS; refused unless the host is loopback. @default false */
  plaintext?: boolean;
  /** The deadline of one call. @default 10 s */
  requestTimeout?: Duration;
}

/** {@link CloudOptions}, checked. */
export interface ResolvedCloudOptions {
  endpoint: string;
  channelCredentials: ChannelCredentials;
  serverName?: string;
  credentials?: Credentials;
  descriptors: (string | Uint8Array)[];
  requestTimeoutMs: number;
}

const KEYS = ['endpoint', 'credentials', 'descriptors', 'tls', 'plaintext', 'requestTimeout'] as const;

/** Checks the options of a cloud; throws an OptionError that names the field, its value and what to change. */
export function resolveCloudOptions(options: CloudOptions): ResolvedCloudOptions {
  onlyKeys('', { ...options }, KEYS);
  const endpoint = checkAddress('endpoint', options.endpoint);
  return {
    endpoint,
    channelCredentials: channelCredentials(endpoint, options),
    ...(options.tls?.serverName === undefined ? {} : { serverName: options.tls.serverName }),
    ...(options.credentials && { credentials: options.credentials }),
    descriptors: options.descriptors ?? [],
    requestTimeoutMs: durationMs('requestTimeout', options.requestTimeout ?? '10 s'),
  };
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
