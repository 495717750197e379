import type { Credentials } from '../credentials/credentials';
import { NEBIUS_KEY } from '../credentials/key-formats';
import { ServiceAccountKey } from '../credentials/service-account-key';
import { method, text, type Fields } from './envelope';
import { checkKeyOptions, ServiceAccountCredentials, type ServiceAccountKeyOptions, type TokenExchange } from './iam';

const TOKEN_SERVICE = 'nebius.iam.v1.TokenExchangeService';
/** The latest time that a Date can hold. */
const MAXIMUM_TIME_MS = 8.64e15;

/** TokenExchangeService.Exchange. */
const NEBIUS_EXCHANGE: TokenExchange = {
  api: 'nebius',
  endpoint: 'tokens.iam.api.nebius.cloud:443',
  path: `/${TOKEN_SERVICE}/Exchange`,
  encode: (jwt) =>
    method('Exchange', TOKEN_SERVICE).requestSerialize({
      grantType: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requestedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
      subjectToken: jwt,
      subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt',
    }),
  decode(bytes, askedAtMs) {
    const reply: Fields = { ...method('Exchange', TOKEN_SERVICE).responseDeserialize(bytes) };
    const token = text(reply.accessToken);
    const lifeMs = Number(text(reply.expiresIn)) * 1000;
    return lifeMs > 0 ? { token, expiresAt: new Date(Math.min(askedAtMs + lifeMs, MAXIMUM_TIME_MS)) } : { token };
  },
  audience: () => 'token-service.iam.new.nebiuscloud.net',
};

/** An authorized key of Nebius. */
export interface NebiusKey {
  /** `serviceaccount-…` */
  serviceAccountId: string;
  /** `publickey-…` */
  publicKeyId: string;
  /** RSA, PEM. */
  privateKey: string;
}

/**
 * Uses the authorized key of a service account of Nebius AI Cloud: its parts, or the path or the JSON of a file written
 * by `nebius iam auth-public-key generate`. Tokens come from `tokens.iam.api.nebius.cloud:443`, or from `iamEndpoint`.
 * Throws an `OperationConfigurationError` for an invalid key; the error never shows the key.
 */
export function nebiusServiceAccountKey(key: NebiusKey | string, options: ServiceAccountKeyOptions = {}): Credentials {
  checkKeyOptions(NEBIUS_KEY.name, options);
  return new ServiceAccountCredentials(new ServiceAccountKey(key, NEBIUS_KEY), options, NEBIUS_EXCHANGE);
}
