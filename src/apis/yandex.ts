import { IDEMPOTENCY_KEY_HEADER, POLL_INTERVAL_HEADER } from '../model/names';
import { KNOWN_REFUSALS } from '../model/start-refusals';
import type { Reply } from '../transport/channel';
import type { OperationCall, OperationsApi, RawOperation } from './api';
import { any, decodeMessage, method, status, text, timestamp } from './envelope';

/** The operations of Yandex Cloud and Nebius Israel: `yandex.cloud.operation.OperationService`. */
export const yandexApi: OperationsApi = {
  name: 'yandex',
  get: operationCall('Get'),
  cancel: operationCall('Cancel'),
  decodeStarted: decode,
  mark: (key) => ({ headers: { [IDEMPOTENCY_KEY_HEADER]: key } }),
  isRequired: (field) =>
    (field.proto.options?.$unknown ?? []).some(({ no, data }) => no === REQUIRED_OPTION && data[0] === 1),
  refusals: KNOWN_REFUSALS,
};

/** Extension `(yandex.cloud.required)` of FieldOptions, a bool: one varint byte. */
const REQUIRED_OPTION = 101501;

function operationCall(name: string): OperationCall {
  return {
    path: `/yandex.cloud.operation.OperationService/${name}`,
    encode: (operationId) => method(name).requestSerialize({ operationId }),
    decode,
  };
}

function decode({ body, header }: Reply): RawOperation {
  const operation = decodeOperation(body);
  const seconds = Number(header(POLL_INTERVAL_HEADER));
  return seconds > 0 ? { ...operation, pollAfterMs: seconds * 1000 } : operation;
}

/** Decodes an Operation. Throws if the bytes are not one. */
export function decodeOperation(bytes: Buffer): RawOperation {
  const { fields, brokenTexts } = decodeMessage('yandex.cloud.operation.Operation', bytes);
  const createdAt = timestamp(fields.createdAt);
  const modifiedAt = timestamp(fields.modifiedAt);
  const metadata = any(fields.metadata);
  const error = status(fields.error);
  const response = any(fields.response);
  return {
    id: text(fields.id),
    description: text(fields.description),
    createdBy: text(fields.createdBy),
    done: fields.done === true,
    ...(createdAt && { createdAt }),
    ...(modifiedAt && { modifiedAt }),
    ...(metadata && { metadata }),
    ...(error && { error }),
    ...(response && { response }),
    ...(brokenTexts.length > 0 && { brokenTexts }),
  };
}
