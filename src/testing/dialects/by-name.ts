import { OptionError } from '../../model/check';
import { servedGoogle } from './google';
import { servedNebius } from './nebius';
import type { ServedApi } from './served-api';
import { servedTemporalCloud } from './temporal-cloud';
import { servedYandex } from './yandex';

const SERVED = {
  yandex: servedYandex,
  google: servedGoogle,
  nebius: servedNebius,
  temporalCloud: servedTemporalCloud,
} as const;

/** An operation API that a FakeCloud speaks: one of those that are built in, or your own. */
export type ServedApiOption = keyof typeof SERVED | ServedApi;

/** Throws an OptionError if there is no such API. */
export function servedApi(api: ServedApiOption): ServedApi {
  if (typeof api !== 'string') return api;
  if (Object.hasOwn(SERVED, api)) return SERVED[api];
  throw new OptionError('api', api, `give one of ${Object.keys(SERVED).join(', ')}, or a ServedApi of your own`);
}
