import { googleApi, type GoogleApiOptions } from '../apis/google';
import { ServiceAccountCredentials } from '../apis/iam';
import { temporalCloudApi, type TemporalCloudApiOptions } from '../apis/temporal-cloud';
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
 * Google Cloud: each service at its own host (`google.api.default_host`), which the descriptors name. `services` sets
 * regional hosts and other ones. `quotaProject` is the project whose quota the calls use.
 */
export function googleCloud({ quotaProject, ...options }: CloudOptions & GoogleApiOptions = {}): CloudOptions {
  return { api: googleApi(quotaProject === undefined ? {} : { quotaProject }), ...options };
}

/** Nebius AI Cloud: each service at `<service>.api.nebius.cloud:443`. */
export function nebius(options: CloudOptions = {}): CloudOptions {
  return { api: 'nebius', ...options };
}

/** Temporal Cloud, at `saas-api.tmprl.cloud:443`. `apiVersion` is the version of its API that calls ask for. */
export function temporalCloud({ apiVersion, ...options }: CloudOptions & TemporalCloudApiOptions = {}): CloudOptions {
  const api = temporalCloudApi(apiVersion === undefined ? {} : { apiVersion });
  return { api, endpoint: 'saas-api.tmprl.cloud:443', ...options };
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
