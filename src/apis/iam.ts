import { codeName } from '../model/snapshot';
import { CredentialsError, type Credentials } from '../credentials/credentials';
import { ServiceAccountKey } from '../credentials/service-account-key';
import { checked } from '../model/failure';
import { onlyKeys } from '../model/check';
import { redact } from '../model/redact';
import { statusText } from '../model/texts';
import { CallError, Channels, type Reply } from '../transport/channel';
import { checkAddress, hostOf, isLoopback } from '../model/address';
import { method, text, timestamp, type Fields } from './envelope';
import { plaintextCredentials, TransportSecurity } from '../transport/tls';

/** Overrides the token service of the cloud that a service account key is configured for. */
export interface ServiceAccountKeyOptions {
  /** `host:port` of the IamTokenService. @default the cloud's own; Yandex Cloud's without a cloud */
  iamEndpoint?: string;
  /** The claim `aud` of the JWT. @default what the cloud's own token service expects */
  audience?: string;
  /** Disables TLS. Rejected unless the host is loopback. @default as for the cloud's other calls */
  plaintext?: boolean;
}

const TOKEN_SERVICE = 'yandex.cloud.iam.v1.IamTokenService';

/** IamTokenService.Create: exchanges a signed JWT for a token. */
const CREATE_TOKEN = {
  path: `/${TOKEN_SERVICE}/Create`,
  encode: (jwt: string): Buffer => method('Create', TOKEN_SERVICE).requestSerialize({ jwt }),
  decode(bytes: Buffer): { token: string; expiresAt?: Date } {
    const reply: Fields = { ...method('Create', TOKEN_SERVICE).responseDeserialize(bytes) };
    const expiresAt = timestamp(reply.expiresAt);
    return {
      token: text(reply.iamToken),
      ...(expiresAt && { expiresAt: new Date(Number(expiresAt.seconds) * 1000 + expiresAt.nanos / 1e6) }),
    };
  },
};

const DEFAULT_IAM_ENDPOINT = 'iam.api.cloud.yandex.net:443';

/** The deadline of a call that fetches a token or endpoints. */
export const BARE_CALL_TIMEOUT_MS = 8_000;

/**
 * Uses the authorized key of a service account: the path of a file written by `yc iam key create`, its JSON, or the
 * parsed object. Tokens come from the token service of the cloud that the key is configured for. Throws an
 * `OperationConfigurationError` for an invalid key; the error never shows the key.
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
  /** `host:port`. Rejects if the cloud does not list it. */
  address(signal: AbortSignal): Promise<string>;
  /** The audience of its JWTs. @default derived from the address */
  audience?: string | undefined;
  /** Makes a call without a token and outside the cloud's limits. Rejects with a CallError. */
  call(call: BareCall): Promise<Reply>;
}

/** A call without a token. */
export interface BareCall {
  address: string;
  path: string;
  body: Buffer;
  signal: AbortSignal;
  /** @default as for the cloud's other calls */
  plaintext?: boolean | undefined;
}

/** The default token service, for a key that is used without a cloud. */
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

/** What {@link serviceAccountKey} returns. The cloud binds it to its own token service. */
export class ServiceAccountCredentials implements Credentials {
  readonly #key: ServiceAccountKey;
  readonly #options: ServiceAccountKeyOptions;
  readonly #service: TokenService;

  constructor(key: ServiceAccountKey, options: ServiceAccountKeyOptions, service: TokenService = YANDEX_CLOUD) {
    this.#key = key;
    this.#options = options;
    this.#service = service;
  }

  /** Whether the key's options name a token service. */
  get hasEndpoint(): boolean {
    return this.#options.iamEndpoint !== undefined;
  }

  /** The same key, with defaults for options that are not set. */
  withDefaults(defaults: { iamEndpoint?: string; audience?: string }): ServiceAccountCredentials {
    return new ServiceAccountCredentials(this.#key, { ...defaults, ...this.#options }, this.#service);
  }

  /** The same key, with the tokens of `service`. */
  of(service: TokenService): Credentials {
    return new ServiceAccountCredentials(this.#key, this.#options, service);
  }

  /** Rejects with a CredentialsError if the token service refuses the key: asking again does not help. */
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

/** Codes with which a token service refuses a key, as opposed to transient errors. */
const REFUSALS: string[] = [
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'FAILED_PRECONDITION',
  'UNIMPLEMENTED',
];

/** The audience that the token service at `address` expects; on loopback, that of Yandex Cloud. */
function audienceOf(address: string): string {
  return `https://${hostOf(isLoopback(address) ? DEFAULT_IAM_ENDPOINT : address)}/iam/v1/tokens`;
}

/** The time on this machine, and on the server if its reply has a date. */
function clockText(err: CallError): string {
  const theirs = Date.parse(err.header('date') ?? '');
  const ours = `it says ${new Date().toISOString()}`;
  return Number.isNaN(theirs) ? ours : `${ours}, the token service's ${new Date(theirs).toISOString()}`;
}

/** The address of the token service for an OperationService, derived from its host; on loopback, the same server. */
export function iamAddressOf(endpoint: string): string | undefined {
  if (isLoopback(endpoint)) return endpoint;
  return endpoint.startsWith('operation.') ? endpoint.replace('operation.', 'iam.') : undefined;
}
