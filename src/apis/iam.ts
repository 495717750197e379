import { codeName } from '../model/snapshot';
import { CredentialsError, type Credentials } from '../credentials/credentials';
import { YANDEX_KEY } from '../credentials/key-formats';
import { ServiceAccountKey } from '../credentials/service-account-key';
import { onlyKeys } from '../model/check';
import { checked } from '../model/failure';
import { redact } from '../model/redact';
import { statusText } from '../model/texts';
import { messageOf } from '../model/thrown';
import { CallError, Channels, type Reply } from '../transport/channel';
import { checkAddress, hostOf, isLoopback } from '../model/address';
import { method, text, timestamp, type Fields } from './envelope';
import { plaintextCredentials, TransportSecurity } from '../transport/tls';

/** Overrides the token service of the cloud that a service account key is configured for. */
export interface ServiceAccountKeyOptions {
  /** `host:port` of the token service. @default the cloud's own; Yandex Cloud's without a cloud */
  iamEndpoint?: string;
  /** The claim `aud` of the JWT. @default what the cloud's own token service expects */
  audience?: string;
  /** Disables TLS. Rejected unless the host is loopback. @default as for the cloud's other calls */
  plaintext?: boolean;
}

/** How a kind of token service exchanges a JWT for a token. */
export interface TokenExchange {
  /** The name of the OperationsApi whose clouds accept the tokens. */
  readonly api: string;
  /** `host:port`, if the service is the same for every cloud. */
  readonly endpoint?: string;
  readonly path: string;
  readonly encode: (jwt: string) => Buffer;
  /** `askedAtMs` is in epoch milliseconds. */
  readonly decode: (reply: Buffer, askedAtMs: number) => { token: string; expiresAt?: Date };
  /** The claim `aud` that the service at `address` expects. */
  readonly audience: (address: string) => string;
}

const TOKEN_SERVICE = 'yandex.cloud.iam.v1.IamTokenService';
const DEFAULT_IAM_ENDPOINT = 'iam.api.cloud.yandex.net:443';

/** IamTokenService.Create. */
const YANDEX_EXCHANGE: TokenExchange = {
  api: 'yandex',
  path: `/${TOKEN_SERVICE}/Create`,
  encode: (jwt) => method('Create', TOKEN_SERVICE).requestSerialize({ jwt }),
  decode(bytes) {
    const reply: Fields = { ...method('Create', TOKEN_SERVICE).responseDeserialize(bytes) };
    const expiresAt = timestamp(reply.expiresAt);
    return {
      token: text(reply.iamToken),
      ...(expiresAt && { expiresAt: new Date(Number(expiresAt.seconds) * 1000 + expiresAt.nanos / 1e6) }),
    };
  },
  // On loopback, that of Yandex Cloud.
  audience: (address) => `https://${hostOf(isLoopback(address) ? DEFAULT_IAM_ENDPOINT : address)}/iam/v1/tokens`,
};

/** The deadline of a call that fetches a token or endpoints. */
export const BARE_CALL_TIMEOUT_MS = 8_000;

/**
 * Uses the authorized key of a service account: the path of a file written by `yc iam key create`, its JSON, or the
 * parsed object. Tokens come from the token service of the cloud that the key is configured for. Throws an
 * `OperationConfigurationError` for an invalid key; the error never shows the key.
 */
export function serviceAccountKey(key: string | object, options: ServiceAccountKeyOptions = {}): Credentials {
  checkKeyOptions(YANDEX_KEY.name, options);
  return new ServiceAccountCredentials(new ServiceAccountKey(key, YANDEX_KEY), options, YANDEX_EXCHANGE);
}

/** Throws an `OperationConfigurationError` for invalid options of the function `name`. */
export function checkKeyOptions(name: string, options: ServiceAccountKeyOptions): void {
  const check = (): void => {
    onlyKeys('', { ...options }, ['iamEndpoint', 'audience', 'plaintext']);
    if (options.iamEndpoint === undefined) return;
    const address = checkAddress('iamEndpoint', options.iamEndpoint);
    if (options.plaintext) plaintextCredentials(address);
  };
  checked(check, { where: `${name}: ` });
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

/** For a key that is used without a cloud. */
const WITHOUT_CLOUD: TokenService = {
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
  readonly #exchange: TokenExchange;
  readonly #service: TokenService;

  constructor(
    key: ServiceAccountKey,
    options: ServiceAccountKeyOptions,
    exchange: TokenExchange,
    service: TokenService = WITHOUT_CLOUD,
  ) {
    this.#key = key;
    this.#options = options;
    this.#exchange = exchange;
    this.#service = service;
  }

  /** The name of the OperationsApi whose clouds accept the tokens. */
  get api(): string {
    return this.#exchange.api;
  }

  /** Whether the address of the token service is known without a cloud. */
  get hasEndpoint(): boolean {
    return (this.#options.iamEndpoint ?? this.#exchange.endpoint) !== undefined;
  }

  /** The same key, with defaults for options that are not set. */
  withDefaults(defaults: { iamEndpoint?: string; audience?: string }): ServiceAccountCredentials {
    return new ServiceAccountCredentials(this.#key, { ...defaults, ...this.#options }, this.#exchange, this.#service);
  }

  /** The same key, with the tokens of `service`. */
  of(service: TokenService): Credentials {
    return new ServiceAccountCredentials(this.#key, this.#options, this.#exchange, service);
  }

  /** Rejects with a CredentialsError if the token service refuses the key: asking again does not help. */
  async getToken(signal: AbortSignal): Promise<{ token: string; expiresAt?: Date }> {
    const { iamEndpoint, plaintext } = this.#options;
    const { endpoint, path, encode, decode } = this.#exchange;
    const address = iamEndpoint ?? endpoint ?? (await this.#service.address(signal));
    const audience = this.#options.audience ?? this.#service.audience ?? this.#exchange.audience(address);
    const body = encode(await this.#key.sign(audience));
    const askedAtMs = Date.now();
    let reply;
    try {
      reply = await this.#service.call({ address, path, body, signal, plaintext });
    } catch (err) {
      throw err instanceof CallError ? this.#refused(err, address, audience) : err;
    }
    const garbled = (problem: string): Error => new Error(`the token service at ${address}: its reply ${problem}`);
    let token;
    try {
      token = decode(reply.body, askedAtMs);
    } catch (err) {
      throw garbled(`is not a token (${redact(messageOf(err))})`);
    }
    if (token.token === '') throw garbled('has no token');
    return token;
  }

  #refused(err: CallError, address: string, audience: string): Error {
    const name = codeName(err.code);
    const status = statusText({ codeName: name, message: redact(err.details) });
    if (!REFUSALS.includes(name)) return new Error(`the token service at ${address}: ${status}`);
    return new CredentialsError(
      `the token service at ${address} refused ${this.#key.name} (${status}): check that the key exists in this cloud, that ${audience} is the audience which this cloud expects, and that this machine's clock is right: ${clockText(err)}`,
    );
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
