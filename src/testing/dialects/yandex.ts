import { method } from '../../apis/envelope';
import { yandexApi } from '../../apis/yandex';
import { POLL_INTERVAL_HEADER } from '../../model/names';
import { anyFields, statusFields, textOf } from './fields';
import type { ServedApi } from './served-api';

/** Serves `yandex.cloud.operation.OperationService`. */
export const servedYandex: ServedApi = {
  api: yandexApi,
  // Get and Cancel have the same wire format.
  readId: (request) => textOf(method('Get').requestDeserialize(request), 'operationId'),
  encode: ({ metadata, error, response, pollAfterMs, ...fields }) => ({
    body: method('Get').responseSerialize({
      ...fields,
      ...(metadata && { metadata: anyFields(metadata) }),
      ...(error && { error: statusFields(error) }),
      ...(response && { response: anyFields(response) }),
    }),
    ...(pollAfterMs !== undefined && { headers: { [POLL_INTERVAL_HEADER]: String(pollAfterMs / 1000) } }),
  }),
};
