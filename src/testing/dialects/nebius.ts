import { method } from '../../apis/envelope';
import { nebiusApi } from '../../apis/nebius';
import { anyFields, statusFields, textOf } from './fields';
import type { ServedApi } from './served-api';

const get = () => method('Get', 'nebius.common.v1.OperationService');

/** Serves `nebius.common.v1.OperationService`. */
export const servedNebius: ServedApi = {
  api: nebiusApi,
  readId: (request) => textOf(get().requestDeserialize(request), 'id'),
  encode: ({ id, description, createdAt, createdBy, modifiedAt, done, resourceId, metadata, error }) => ({
    body: get().responseSerialize({
      ...{ id, description, createdAt, createdBy, resourceId },
      ...(metadata && { progressData: anyFields(metadata) }),
      ...(done && { finishedAt: modifiedAt, status: error ? statusFields(error) : {} }),
    }),
  }),
};
