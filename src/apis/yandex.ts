import { isUtf8 } from 'buffer';
import { WireType } from '@bufbuild/protobuf/wire';
import { Place } from '../descriptors/value-problems';
import { WireRecords } from '../descriptors/wire-records';
import { IDEMPOTENCY_KEY_HEADER, POLL_INTERVAL_HEADER } from '../model/names';
import { KNOWN_REFUSALS } from '../model/start-refusals';
import type { Reply } from '../transport/channel';
import type { BrokenText, OperationCall, OperationsApi, RawOperation } from './api';
import { any, method, status, text, timestamp, type Fields } from './envelope';

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
  const reply: Fields = { ...method('Get').responseDeserialize(bytes) };
  const createdAt = timestamp(reply.createdAt);
  const modifiedAt = timestamp(reply.modifiedAt);
  const metadata = any(reply.metadata);
  // If both members of the oneof are on the wire, both keys are set and `reply.result` follows the order in the .proto.
  const { result, brokenTexts } = scanOperation(bytes);
  const error = result === 'error' ? status(reply.error) : undefined;
  const response = result === 'response' ? any(reply.response) : undefined;
  return {
    id: text(reply.id),
    description: text(reply.description),
    createdBy: text(reply.createdBy),
    done: reply.done === true,
    ...(createdAt && { createdAt }),
    ...(modifiedAt && { modifiedAt }),
    ...(metadata && { metadata }),
    ...(error && { error }),
    ...(response && { response }),
    ...(brokenTexts.length > 0 && { brokenTexts }),
  };
}

/**
 * Finds what proto-loader's decoder does not report about an Operation: which of the two results comes last on the wire
 * and therefore counts, and the bytes of strings that it decodes with U+FFFD.
 */
export function scanOperation(bytes: Uint8Array): { result?: 'error' | 'response'; brokenTexts: BrokenText[] } {
  const broken: BrokenText[] = [];
  let result: { error: Uint8Array } | { response: Uint8Array } | undefined;
  for (const [number, content] of parts(bytes)) {
    if (number === 1) checkText(content, new Place('id'), broken);
    else if (number === 2) checkText(content, new Place('description'), broken);
    else if (number === 4) checkText(content, new Place('createdBy'), broken);
    else if (number === 7) checkAny(content, new Place('metadata'), broken);
    else if (number === 8) result = { error: content };
    else if (number === 9) result = { response: content };
  }
  if (!result) return { brokenTexts: broken };
  if ('error' in result) checkStatus(result.error, new Place('error'), broken);
  else checkAny(result.response, new Place('response'), broken);
  return { result: 'error' in result ? 'error' : 'response', brokenTexts: broken };
}

function checkStatus(bytes: Uint8Array, place: Place, broken: BrokenText[]): void {
  let details = 0;
  for (const [number, content] of parts(bytes)) {
    if (number === 2) checkText(content, place.at('message'), broken);
    else if (number === 3) checkAny(content, place.at('details').at(details++), broken);
  }
}

function checkAny(bytes: Uint8Array, place: Place, broken: BrokenText[]): void {
  for (const [number, content] of parts(bytes)) {
    if (number === 1) checkText(content, place.at('@type'), broken);
  }
}

function checkText(bytes: Uint8Array, place: Place, broken: BrokenText[]): void {
  if (!isUtf8(bytes)) broken.push({ place, bytes });
}

/** The length-delimited fields of a message, by field number. */
function* parts(bytes: Uint8Array): Iterable<[number: number, content: Uint8Array]> {
  const records = new WireRecords(bytes);
  while (records.next()) {
    if (records.wireType === WireType.LengthDelimited) yield [records.number, records.content()];
  }
}
