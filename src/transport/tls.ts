import { readFileSync, statSync } from 'fs';
import { credentials, type ChannelCredentials } from '@grpc/grpc-js';
import { OptionError } from '../model/check';
import { isLoopback } from '../model/address';
import { errorCode } from '../model/thrown';

/** Paths of the PEM files in {@link CloudOptions}. */
interface TlsOptions {
  rootCertificates?: string;
  clientCertificate?: string;
  clientKey?: string;
  serverName?: string;
}

/** Credentials made from one version of the files. */
export interface TlsState {
  credentials: ChannelCredentials;
  /** Changes when a file is replaced. */
  version: string;
}

/** The TLS credentials of one cloud, reloaded when files change. */
export class TransportSecurity {
  readonly #files: [field: string, path: string][];
  readonly #tls: TlsOptions;
  #lastGood: TlsState;

  /** Throws an OptionError for files that are not PEM. */
  constructor(tls: TlsOptions = {}) {
    this.#tls = tls;
    const { rootCertificates, clientCertificate, clientKey } = tls;
    if ((clientCertificate === undefined) !== (clientKey === undefined)) {
      const missing = clientKey === undefined ? 'tls.clientKey' : 'tls.clientCertificate';
      throw new OptionError(missing, undefined, 'give the client certificate and its key, or neither');
    }
    this.#files = Object.entries({ rootCertificates, clientCertificate, clientKey }).flatMap(([field, path]) =>
      path === undefined ? [] : [[`tls.${field}`, path]],
    );
    this.#lastGood = { version: this.#version(), credentials: this.#credentials() };
  }

  get serverName(): string | undefined {
    return this.#tls.serverName;
  }

  /** The state from the last valid files. */
  get lastGood(): TlsState {
    return this.#lastGood;
  }

  /** The state from the current files. Throws an OptionError for files that cannot be used. */
  read(): TlsState {
    // Take the version before reading: a file replaced in between is then read again at the next call.
    const version = this.#version();
    if (version !== this.#lastGood.version) this.#lastGood = { version, credentials: this.#credentials() };
    return this.#lastGood;
  }

  /** Throws an OptionError for a missing file. */
  #version(): string {
    return this.#files
      .map(([field, path]) => {
        try {
          const { mtimeMs, ino, size } = statSync(path);
          return `${mtimeMs} ${ino} ${size}`;
        } catch (err) {
          throw unreadable(field, path, err);
        }
      })
      .join();
  }

  #credentials(): ChannelCredentials {
    const [root, certificate, key] = ['rootCertificates', 'clientCertificate', 'clientKey'].map((field) => {
      const file = this.#files.find(([name]) => name === `tls.${field}`);
      return file ? pem(...file) : null;
    });
    try {
      return credentials.createSsl(root, key, certificate);
    } catch {
      throw new OptionError('tls.clientKey', this.#tls.clientKey, 'give the key that belongs to tls.clientCertificate');
    }
  }
}

/** Credentials for plaintext. Throws an OptionError unless the address is on this machine. */
export function plaintextCredentials(address: string): ChannelCredentials {
  if (isLoopback(address)) return credentials.createInsecure();
  throw new OptionError(
    'plaintext',
    true,
    `${address} is not on this machine, and tokens must not cross a network unencrypted`,
  );
}

function pem(field: string, path: string): Buffer {
  let bytes;
  try {
    bytes = readFileSync(path);
  } catch (err) {
    throw unreadable(field, path, err);
  }
  if (!bytes.includes('-----BEGIN ')) throw new OptionError(field, path, 'give a PEM file: this one holds no PEM');
  return bytes;
}

function unreadable(field: string, path: string, err: unknown): OptionError {
  return new OptionError(field, path, `give a readable PEM file (${errorCode(err) || String(err)})`);
}
