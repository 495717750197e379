import type { OperationsApi } from '../apis/api';
import { iamAddressOf, ServiceAccountCredentials, type TokenService } from '../apis/iam';
import type { Credentials } from '../credentials/credentials';
import { MetadataCredentials } from '../credentials/metadata-service';
import { OptionError } from '../model/check';

/** What a cloud's credentials depend on. `isOwn`: whether the API is one that this package comes with. */
interface Surroundings {
  api: OperationsApi;
  isOwn: boolean;
  root: { endpoint: string } | { discovery: string } | undefined;
}

/** Checks the option `credentials`. Throws an OptionError, which never shows it: it may be the token itself. */
export function checkCredentials(credentials: unknown, { api, isOwn, root }: Surroundings): void {
  const isProvider =
    typeof credentials === 'object' &&
    credentials !== null &&
    'getToken' in credentials &&
    typeof credentials.getToken === 'function';
  if (!isProvider) {
    const rule = 'give iamToken(), serviceAccountKey(), metadataService(), or an object with getToken()';
    throw new OptionError('credentials', `a ${typeof credentials}`, rule);
  }
  if (!(credentials instanceof ServiceAccountCredentials)) return;
  if (isOwn && credentials.api !== api.name) {
    const rule = `give credentials of this cloud, whose api is ${api.name}`;
    throw new OptionError('credentials', `a service account key for the api ${credentials.api}`, rule);
  }
  if (!credentials.hasEndpoint && !(root && ('discovery' in root || iamAddressOf(root.endpoint) !== undefined))) {
    const whence = root && 'endpoint' in root ? root.endpoint : 'the API';
    const rule = `set its iamEndpoint: the address of the token service cannot be derived from ${whence}`;
    throw new OptionError('credentials', 'a service account key', rule);
  }
}

/** The credentials as a cloud uses them: with its own token service, or the metadata service of its instances. */
export function bindCredentials(credentials: Credentials, api: OperationsApi, tokens: TokenService): Credentials {
  if (credentials instanceof ServiceAccountCredentials) return credentials.of(tokens);
  if (credentials instanceof MetadataCredentials && api.instanceTokens) return credentials.of(api.instanceTokens);
  return credentials;
}
