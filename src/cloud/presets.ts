import { ServiceAccountCredentials } from '../apis/iam';
import { hostOf } from '../model/address';
import { type CloudOptions } from './options';

/**
 * {@link CloudOptions} for Yandex Cloud in Russia, with endpoint discovery at `api.cloud.yandex.net:443`. `options`
 * take precedence; setting `endpoint` turns discovery off.
 */
export function yandexCloud(options: CloudOptions = {}): CloudOptions {
  return preset('api.cloud.yandex.net:443', options);
}

/** Yandex Cloud in Kazakhstan, at `api.yandexcloud.kz:443`. It does not accept keys of the Russian installation. */
export function yandexCloudKazakhstan(options: CloudOptions = {}): CloudOptions {
  return preset('api.yandexcloud.kz:443', options);
}

/** Nebius Israel, which has the same API, at `api.il.nebius.cloud:443`. */
export function nebiusIsrael(options: CloudOptions = {}): CloudOptions {
  return preset('api.il.nebius.cloud:443', options);
}

/**
 * `root` is the ApiEndpointService. The token service is at `iam.` plus that host, which is also in its JWT audience.
 */
function preset(root: string, options: CloudOptions): CloudOptions {
  const { endpoint, discovery = endpoint === undefined ? root : undefined, credentials, ...rest } = options;
  const audience = `https://iam.${hostOf(root)}/iam/v1/tokens`;
  const bound =
    credentials instanceof ServiceAccountCredentials
      ? credentials.withDefaults(discovery === undefined ? { audience, iamEndpoint: `iam.${root}` } : { audience })
      : credentials;
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(discovery === undefined ? {} : { discovery }),
    ...(bound === undefined ? {} : { credentials: bound }),
    ...rest,
  };
}
