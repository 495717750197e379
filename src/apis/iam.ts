import { codeName } from '../model/snapshot';
import { CredentialsError, type Credentials } from '../credentials/credentials';
import { ServiceAccountKey } from '../credentials/service-account-key';
import { checked } from '../model/failure';
import { onlyKeys } from '../model/options';
import { redact } from '../model/redact';
import { statusText } from '../model/texts';
import { CallError, Channels, type Reply } from '../transport/channel';
import { checkAddress, hostOf, isLoopback } from '../model/address';
import { CREATE_TOKEN } from './envelope';
import { plaintextCredentials, TransportSecurity } from '../transport/tls';

/** What a service account key needs to know of a cloud other than the one that it is configured for. */
export interface ServiceAccountKeyOptions {
  /** `host:port` of the IamTokenService. @default the cloud's own; Yandex Cloud's where the cloud does not tell */
  iamEndpoint?: string;
  /** The claim `aud` of the JWT. @default what the cloud's own token service expects */
  audience?: string;
  /** No TLS; refused unless the host is loopback. @default as the cloud's other calls */
  plaintext?: boolean;
}

const DEFAULT_IAM_ENDPOINT = 'iam.api.cloud.yandex.net:443';

/** The deadline of a call that gives a token or endpoints. */
export const BARE_CALL_TIMEOUT_MS = 8_000;

/**
 * The authorized key of a service account: a file as `yc iam key create` writes it, its JSON, or the object. Its tokens
 * come from the token service of the cloud that it is configured for. Throws an `OperationConfigurationError` for a key
 * that cannot be used; the error never shows it.
 */
export function serviceAccountKey(key: string | object, options: ServiceAccountKeyOptions = {}): Credentials {
  const check = (): void => {
    onlyKeys('', { ...options }, ['iamEndpoint', 'audience', 'plaintext']);
    if (options.iamEndpoint === undefined) return;
    const address = checkAddress('iamEndpoint', options.iamEndpoint);
    if (options.plaintext) plaintextCredentials(address);
  };
  checked(check, { where: 'serviceAccountKey: ' });
  return new ServiceAccountCredentials(new ServiceAccountKey(key), options);
}

/** The token service of the cloud that a key is configured for. */
export interface TokenService {
  /** `host:port`; rejects where the cloud does not tell. */
  address(signal: AbortSignal): Promise<string>;
  /** What its JWTs must be made for. @default by the address */
  audience?: string | undefined;
  /** A call outside the cloud's limits, and without a token. Rejects with a CallError. */
  call(call: BareCall): Promise<Reply>;
}

/** A call without a token. */
export interface BareCall {
  address: string;
  path: string;
  body: Buffer;
  signal: AbortSignal;
  /** @default as the cloud's other calls */
  plaintext?: boolean | undefined;
}

/** Where no cloud is configured. */
const YANDEX_CLOUD: TokenService = {
  address: () => Promise.resolve(DEFAULT_IAM_ENDPOINT),
  async call({ address, path, body, signal, plaintext }) {
    const channel = new Channels(new TransportSecurity(), false).to(address, plaintext);
    try {
      return await channel.unary({ path, body, signal, timeoutMs: BARE_CALL_TIMEOUT_MS });
    } finally {
      channel.close();
    }
  },
};

/** What {@link serviceAccountKey} makes: bound to the token service of a cloud when that is configured. */
export class ServiceAccountCredentials implements Credentials {
  readonly #key: ServiceAccountKey;
  readonly #options: ServiceAccountKeyOptions;
  readonly #service: TokenService;

  constructor(key: ServiceAccountKey, options: ServiceAccountKeyOptions, service: TokenService = YANDEX_CLOUD) {
    this.#key = key;
    this.#options = options;
    this.#service = service;
  }

  /** Whether the key itself says where its tokens come from. */
  get hasEndpoint(): boolean {
    return this.#options.iamEndpoint !== undefined;
  }

  /** The same key, for what its options leave open. */
  withDefaults(defaults: { iamEndpoint?: string; audience?: string }): ServiceAccountCredentials {
    return new ServiceAccountCredentials(this.#key, { ...defaults, ...this.#options }, this.#service);
  }

  /** The same key, with the tokens of `service`. */
  of(service: TokenService): Credentials {
    return new ServiceAccountCredentials(this.#key, this.#options, service);
  }

  /** Rejects with a CredentialsError when the token service refuses the key, which asking again does not mend. */
  async getToken(signal: AbortSignal): Promise<{ token: string; expiresAt?: Date }> {
    const { iamEndpoint, plaintext } = this.#options;
    const address = iamEndpoint ?? (await this.#service.address(signal));
    const audience = this.#options.audience ?? this.#service.audience ?? audienceOf(address);
    const body = CREATE_TOKEN.encode(await this.#key.sign(audience));
    try {
      const reply = await this.#service.call({ address, path: CREATE_TOKEN.path, body, signal, plaintext });
      return CREATE_TOKEN.decode(reply.body);
    } catch (err) {
      if (!(err instanceof CallError)) throw err;
      const name = codeName(err.code);
      const status = statusText({ codeName: name, message: redact(err.details) });
      if (!REFUSALS.includes(name)) throw new Error(`the token service at ${address}: ${status}`);
      throw new CredentialsError(
        `the token service at ${address} refused ${this.#key.name} (${status}): check that the key exists in this cloud, that ${audience} is the audience which this cloud expects, and that this machine's clock is right: ${clockText(err)}`,
      );
    }
  }
}

/** Codes by which a token service says that it will not take a key, as opposed to trouble in transit. */
const REFUSALS: string[] = [
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'FAILED_PRECONDITION',
  'UNIMPLEMENTED',
];

/** What the token service at `address` expects; on this machine, what Yandex Cloud's does. */
function audienceOf(address: string): string {
  return `https://${hostOf(isLoopback(address) ? DEFAULT_IAM_ENDPOINT : address)}/iam/v1/tokens`;
}

/** This machine's clock, and the server's where its reply told. */
function clockText(err: CallError): string {
  const theirs = Date.parse(err.header('date') ?? '');
  const ours = `it says ${new Date().toISOString()}`;
  return Number.isNaN(theirs) ? ours : `${ours}, the token service's ${new Date(theirs).toISOString()}`;
}

/** The token service beside an OperationService, by its host; on this machine the same server. */
export function iamAddressOf(endpoint: string): string | undefined {
  if (isLoopback(endpoint)) return endpoint;
  return endpoint.startsWith('operation.') ? endpoint.replace('operation.', 'iam.') : undefined;
}
