import { wireFields } from '../descriptors/option-values';
import { REMOVING } from '../descriptors/start-rules';
import { OptionError } from '../model/check';
import { configurationError } from '../model/failure';
import { statusCode, type StatusCodeName } from '../model/snapshot';
import { COMMON_REFUSALS } from '../model/start-refusals';
import type { OperationsApi, RawOperation, RawStatus } from './api';
import { any, decodeMessage, method, text, timestamp } from './envelope';
import { WrongTypeError } from './wire-scan';

const SERVICE = 'temporal.api.cloud.cloudservice.v1.CloudService';

/** Options of Temporal Cloud's API. */
export interface TemporalCloudApiOptions {
  /** The version of the API, as `v0.19.1`. @default the version that this package was tested with */
  apiVersion?: string;
}

const API_VERSION = 'v0.19.1';

/** The operations of Temporal Cloud: `GetAsyncOperation` of its CloudService. */
export function temporalCloudApi({ apiVersion = API_VERSION }: TemporalCloudApiOptions = {}): OperationsApi {
  if (typeof apiVersion !== 'string' || !/^[\x21-\x7e]+$/.test(apiVersion)) {
    throw configurationError('', new OptionError('apiVersion', apiVersion, 'give a version such as "v0.19.1"').message);
  }
  return {
    name: 'temporalCloud',
    get: {
      path: `/${SERVICE}/GetAsyncOperation`,
      encode: (asyncOperationId) => method('GetAsyncOperation', SERVICE).requestSerialize({ asyncOperationId }),
      decode: ({ body }) => operationIn(body, 1),
    },
    // `CreateNamespace` returns an ID next to the operation, and `GetNamespace` reads the resource.
    starts: {
      operations: ['temporal.api.cloud.operation.v1.AsyncOperation'],
      inField: true,
      except: [`${SERVICE}.GetAsyncOperation`],
      reads: {
        methods: ({ name }) => (REMOVING.test(name) ? [] : [name.replace(/^[A-Z][a-z]+/, 'Get')]),
        idFrom: 'start',
      },
    },
    decodeStarted: ({ body }, { operationField }) => operationIn(body, operationField?.number),
    mark: (key, { input }) => {
      const field = input.fields.find(({ name }) => name === 'async_operation_id');
      return field && { fields: { [field.jsonName]: key } };
    },
    refusals: COMMON_REFUSALS,
    headers: () => ({ 'temporal-cloud-api-version': apiVersion }),
  };
}

/** The operation in a field. Throws a WrongTypeError if it contains none. */
function operationIn(bytes: Uint8Array, number: number | undefined): RawOperation {
  const field = wireFields(bytes).findLast((one) => one.number === number);
  try {
    if (field) return decodeOperation(Buffer.from(field.bytes));
  } catch {
    // Whatever the field contains, it is no operation.
  }
  throw new WrongTypeError('it contains no AsyncOperation');
}

type Outcome = 'running' | 'succeeded' | { codeName: StatusCodeName; text: string };

/** What the states mean. An operation has no status, so failures get the code that is closest. */
const STATES: Readonly<Record<string, Outcome>> = {
  PENDING: 'running',
  IN_PROGRESS: 'running',
  FULFILLED: 'succeeded',
  FAILED: { codeName: 'UNKNOWN', text: 'failed' },
  CANCELLED: { codeName: 'CANCELLED', text: 'cancelled' },
  REJECTED: { codeName: 'FAILED_PRECONDITION', text: 'rejected' },
};

function decodeOperation(bytes: Buffer): RawOperation {
  const { fields, brokenTexts } = decodeMessage('temporal.api.cloud.operation.v1.AsyncOperation', bytes, NAMES);
  const createdAt = timestamp(fields.startedTime);
  const finishedAt = timestamp(fields.finishedTime);
  const metadata = any(fields.operationInput);
  const delay = timestamp(fields.checkDuration);
  const pollAfterMs = delay ? Number(delay.seconds) * 1000 + delay.nanos / 1e6 : 0;
  const state = stateOf(fields.state, text(fields.stateDeprecated));
  // A state that this version does not know is shown, and waited out.
  const outcome = STATES[state] ?? 'running';
  const error = typeof outcome === 'object' ? errorOf(outcome, text(fields.failureReason)) : undefined;
  return {
    id: text(fields.id),
    description: text(fields.operationType),
    done: outcome !== 'running',
    ...(createdAt && { createdAt }),
    ...(finishedAt && { modifiedAt: finishedAt }),
    ...(metadata && { metadata }),
    ...(error && { error }),
    ...(outcome === 'running' && state !== 'IN_PROGRESS' && { progress: { step: stepOf(state) } }),
    ...(pollAfterMs > 0 && { pollAfterMs }),
    ...(brokenTexts.length > 0 && { brokenTexts }),
  };
}

/** What a snapshot calls the fields of an operation. */
const NAMES = {
  startedTime: 'createdAt',
  finishedTime: 'modifiedAt',
  operationType: 'description',
  operationInput: 'metadata',
  failureReason: 'error.message',
};

/** The state's name without its prefix, or its number. An unspecified state is in the older field, in lower case. */
function stateOf(state: unknown, deprecated: string): string {
  if (typeof state === 'string' && state !== 'STATE_UNSPECIFIED') return state.replace(/^STATE_/, '');
  if (typeof state === 'number' && state !== 0) return String(state);
  return deprecated.toUpperCase().replace(/^STATE_/, '');
}

function stepOf(state: string): string {
  if (state === '') return 'the cloud sent no state';
  return STATES[state] ? state.toLowerCase() : `state ${state.slice(0, 40)}, which this version does not know`;
}

function errorOf({ codeName, text }: { codeName: StatusCodeName; text: string }, reason: string): RawStatus {
  return { code: statusCode(codeName), message: reason === '' ? text : `${text}: ${reason}`, details: [] };
}
