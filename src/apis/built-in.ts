import type { OperationsApi } from './api';
import { googleApi } from './google';
import { nebiusApi } from './nebius';
import { temporalCloudApi } from './temporal-cloud';
import { yandexApi } from './yandex';

/** The APIs of this package, by the names that options use. */
export const BUILT_IN_APIS = {
  yandex: () => yandexApi,
  google: () => googleApi(),
  nebius: () => nebiusApi,
  temporalCloud: () => temporalCloudApi(),
} satisfies Record<string, () => OperationsApi>;
