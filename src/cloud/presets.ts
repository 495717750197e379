import { ServiceAccountCredentials } from '../apis/iam';
import { hostOf } from '../model/address';
import { type CloudOptions } from './options';

/**
 * Yandex Cloud in Russia: {@link CloudOptions} with its endpoint discovery at `api.cloud.yandex.net:443`. What `options`
 * say wins; with `endpoint` nothing is discovered.
 */
export function yandexCloud(options: CloudOptions = {}): CloudOptions {
  return preset('api.cloud.yandex.net:443', options);
}

/** Yandex Cloud in Kazakhstan, at `api.yandexcloud.kz:443`; keys of the Russian installation are unknown there. */
export function yandexCloudKazakhstan(options: CloudOptions = {}): CloudOptions {
  return preset('api.yandexcloud.kz:443', options);
}

/** Nebius Israel, which speaks the same API, at `api.il.nebius.cloud:443`. */
export function nebiusIsrael(options: CloudOptions = {}): CloudOptions {
  return preset('api.il.nebius.cloud:443', options);
}

/** `root` is the cloud's ApiEndpointService; its token service is `iam.` before that host, and names it as audience. */
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
