import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { RawOperation } from '../../apis/api';
import { message, method } from '../../apis/envelope';
import { temporalCloudApi } from '../../apis/temporal-cloud';
import { statusCode } from '../../model/snapshot';
import { anyFields, textOf } from './fields';
import type { ServedApi } from './served-api';

const get = () => method('GetAsyncOperation', 'temporal.api.cloud.cloudservice.v1.CloudService');

/** Serves `GetAsyncOperation` of `temporal.api.cloud.cloudservice.v1.CloudService`. */
export const servedTemporalCloud: ServedApi = {
  api: temporalCloudApi(),
  readId: (request) => textOf(get().requestDeserialize(request), 'asyncOperationId'),
  encode: (operation) => ({ body: get().responseSerialize({ asyncOperation: fields(operation) }) }),
  encodeStarted: (operation, { operationField, resource }) => {
    const reply = new BinaryWriter();
    if (operationField) {
      const { serialize } = message('temporal.api.cloud.operation.v1.AsyncOperation');
      reply.tag(operationField.number, WireType.LengthDelimited).bytes(serialize(fields(operation)));
    }
    if (resource?.idFrom?.in === 'reply') {
      reply.tag(resource.idFrom.field.number, WireType.LengthDelimited).string(operation.resourceId ?? '');
    }
    return { body: Buffer.from(reply.finish()) };
  },
  newId: (random, { asyncOperationId }) =>
    typeof asyncOperationId === 'string' && asyncOperationId !== '' ? asyncOperationId : random,
};

function fields({ id, description, createdAt, modifiedAt, done, metadata, error, pollAfterMs }: RawOperation): object {
  return {
    id,
    state: stateOf(done, error?.code),
    operationType: description,
    startedTime: createdAt,
    ...(metadata && { operationInput: anyFields(metadata) }),
    ...(done && { finishedTime: modifiedAt, failureReason: error?.message }),
    ...(pollAfterMs !== undefined && { checkDuration: { seconds: Math.floor(pollAfterMs / 1000) } }),
  };
}

/** An operation of Temporal Cloud has no code: a code that no state stands for becomes FAILED. */
function stateOf(done: boolean, code: number | undefined): string {
  if (!done) return 'STATE_IN_PROGRESS';
  if (code === undefined) return 'STATE_FULFILLED';
  if (code === statusCode('CANCELLED')) return 'STATE_CANCELLED';
  return code === statusCode('FAILED_PRECONDITION') ? 'STATE_REJECTED' : 'STATE_FAILED';
}
