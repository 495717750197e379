import { numbersOption } from '../descriptors/option-values';
import { IDEMPOTENCY_KEY_HEADER, POLL_INTERVAL_HEADER } from '../model/names';
import { COMMON_REFUSALS, joinRefusals, type StartRefusals } from '../model/start-refusals';
import { violations } from '../model/start-verdict';
import type { Reply } from '../transport/channel';
import type { OperationCall, OperationsApi, RawOperation } from './api';
import { any, decodeMessage, method, status, text, timestamp } from './envelope';

/** The texts and details of Yandex Cloud's services. */
export const YANDEX_REFUSALS: Partial<StartRefusals> = {
  namesConflict: [
    {
      text: /conflicting operation (?:"(?<quoted>[^"\s]+)"|(?<bare>\S+)) detected/i,
      reason: 'in both spellings that its services use',
    },
  ],
  freesItself: [
    {
      text: /\bactive[ ._-]operations|operations[ ._-]active/i,
      reason: 'Compute Cloud limits the concurrent operations of a folder',
    },
  ],
  needsSomebody: [
    {
      text: /\blimits? (?:on|of|for) .*(?:exceed|reach)|\b(?:exceed|reach)\w* .*\blimits? (?:on|of|for) /i,
      reason: '"The limit on total size of network-hdd disks has exceeded"',
    },
  ],
  details: { 'yandex.cloud.quota.QuotaFailure': (detail) => ({ quotas: violations(detail) }) },
};

/** Extension `(yandex.cloud.api.operation)` of MethodOptions, which names the types in the operation. */
const OPERATION = 87334;
/** Extension `(yandex.cloud.required)` of FieldOptions, a bool. */
const REQUIRED = 101501;

/** The operations of Yandex Cloud and Nebius Israel: `yandex.cloud.operation.OperationService`. */
export const yandexApi: OperationsApi = {
  name: 'yandex',
  get: operationCall('Get'),
  cancel: operationCall('Cancel'),
  starts: {
    operations: ['yandex.cloud.operation.Operation'],
    except: ['yandex.cloud.operation.OperationService'],
    types: { option: OPERATION, metadata: 1, response: 2 },
    isRequired: ({ proto }) => numbersOption(proto.options, REQUIRED).includes(1),
  },
  decodeStarted: decode,
  mark: (key) => ({ headers: { [IDEMPOTENCY_KEY_HEADER]: key } }),
  refusals: joinRefusals(COMMON_REFUSALS, YANDEX_REFUSALS),
};

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
