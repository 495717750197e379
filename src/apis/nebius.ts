import { createHash } from 'crypto';
import { NEBIUS_INSTANCE } from '../credentials/metadata-service';
import { stringOption } from '../descriptors/option-values';
import { REMOVING } from '../descriptors/start-rules';
import type { OperationProgress } from '../model/progress';
import type { AnyJson } from '../model/snapshot';
import { COMMON_REFUSALS, joinRefusals, type DetailSays, type StartRefusals } from '../model/start-refusals';
import { fieldsOf } from '../model/check';
import { violations } from '../model/start-verdict';
import type { OperationsApi, RawOperation } from './api';
import { any, decodeMessage, isFields, method, status, text, timestamp, type Fields } from './envelope';

const SERVICE = 'nebius.common.v1.OperationService';

/** The error detail of Nebius's services. */
export const NEBIUS_REFUSALS: Partial<StartRefusals> = {
  details: { 'nebius.common.v1.ServiceError': readServiceError },
};

/** The operations of Nebius AI Cloud: `nebius.common.v1.OperationService`, at the host of each service. */
export const nebiusApi: OperationsApi = {
  name: 'nebius',
  instanceTokens: NEBIUS_INSTANCE,
  get: {
    path: `/${SERVICE}/Get`,
    encode: (id) => method('Get', SERVICE).requestSerialize({ id }),
    decode: ({ body }) => decodeOperation(body),
  },
  // The `Get` of the service reads the resource by the operation's `resource_id`.
  starts: {
    operations: ['nebius.common.v1.Operation', 'nebius.common.v1alpha1.Operation'],
    except: [SERVICE, 'nebius.common.v1alpha1.OperationService'],
    reads: { methods: ({ name }) => (REMOVING.test(name) ? [] : ['Get', 'GetById']), idFrom: 'operation' },
  },
  decodeStarted: ({ body }) => decodeOperation(body),
  mark: (key) => ({ headers: { 'x-idempotency-key': headerKey(key) } }),
  refusals: joinRefusals(COMMON_REFUSALS, NEBIUS_REFUSALS),
  hostsOf: (name, service) => {
    const own = stringOption(service?.proto.options, API_SERVICE_NAME);
    return (own === undefined ? subdomainsOf(name) : [own])
      .filter((subdomain) => /^[a-z0-9.-]+$/.test(subdomain))
      .map((subdomain) => `${subdomain}.api.nebius.cloud:443`);
  },
};

function decodeOperation(bytes: Buffer): RawOperation {
  const { fields, brokenTexts } = decodeMessage('nebius.common.v1.Operation', bytes, NAMES);
  const createdAt = timestamp(fields.createdAt);
  const finishedAt = timestamp(fields.finishedAt);
  const metadata = any(fields.progressData);
  // An operation is done if the status is there, even if it is empty: its code then is OK.
  const ended = status(fields.status);
  const progress = progressOf(fields.progressTracker);
  return {
    id: text(fields.id),
    description: text(fields.description),
    createdBy: text(fields.createdBy),
    done: ended !== undefined,
    ...(createdAt && { createdAt }),
    ...(finishedAt && { modifiedAt: finishedAt }),
    ...(metadata && { metadata }),
    ...(ended && ended.code !== 0 && { error: ended }),
    ...(text(fields.resourceId) !== '' && { resourceId: text(fields.resourceId) }),
    ...(progress && { progress }),
    ...(brokenTexts.length > 0 && { brokenTexts }),
  };
}

/** What a snapshot calls the fields of an operation. */
const NAMES = { finishedAt: 'modifiedAt', progressData: 'metadata', status: 'error' };

/** Reads a ProgressTracker: the current step is the first one that has not finished. */
function progressOf(tracker: unknown): OperationProgress | undefined {
  if (!isFields(tracker)) return undefined;
  const steps = Array.isArray(tracker.steps) ? tracker.steps.filter(isFields) : [];
  const current = steps.find(({ finishedAt }) => !isFields(finishedAt));
  const step = text(current?.description) || text(tracker.description);
  const work: Fields = isFields(tracker.workDone) ? tracker.workDone : {};
  const total = Number(work.totalTickCount ?? 0);
  return { ...(step !== '' && { step }), ...(total > 0 && { done: Number(work.doneTickCount ?? 0), total }) };
}

/** The header takes letters, digits and hyphens: any other key is replaced by its hash. */
function headerKey(key: string): string {
  return /^[A-Za-z0-9-]+$/.test(key) ? key : createHash('sha256').update(key).digest('hex');
}

/** Extension `(nebius.api_service_name)` of ServiceOptions: the subdomain of the service. */
const API_SERVICE_NAME = 1191;

/** The subdomains of packages and services whose second name is not their subdomain. */
const SUBDOMAINS: Readonly<Record<string, readonly string[]>> = {
  'nebius.ai': ['apps.msp'],
  'nebius.applications': ['deployment-manager.mkt'],
  'nebius.capacity': ['capacity-blocks.billing-cpl'],
  'nebius.iam': ['cpl.iam'],
  'nebius.kms': ['cpl.kms'],
  'nebius.logging': ['cpl.teplo'],
  'nebius.maintenance': ['maintenance.msp'],
  'nebius.msp.mlflow': ['mlflow.msp'],
  'nebius.msp.postgresql': ['postgresql.msp'],
  'nebius.mysterybox': ['cpl.mysterybox'],
  'nebius.quotas': ['quota-dispatcher.billing-cpl'],
  'nebius.storage': ['cpl.storage', 'transfer.storage'],
  'nebius.storage.v1.BucketService': ['cpl.storage'],
  'nebius.storage.v1.TransferService': ['transfer.storage'],
  'nebius.storage.v1alpha1': ['transfer.storage'],
  'nebius.tunnel': ['applicationtunnel.mkt'],
};

function subdomainsOf(name: string): readonly string[] {
  for (let prefix = name; prefix !== ''; prefix = prefix.slice(0, Math.max(0, prefix.lastIndexOf('.')))) {
    const found = SUBDOMAINS[prefix];
    if (found) return found;
  }
  const [root, second] = name.split('.');
  return root === 'nebius' && second !== undefined && second !== 'common' ? [second] : [];
}

/** `retryType` says whether the call may be retried; without it, the kind of error does. */
function readServiceError({ retryType, operationConflict, tooManyRequests, quotaFailure }: AnyJson): DetailSays {
  const { conflictingOperationId } = fieldsOf(operationConflict);
  const isBusy = retryType === 'CALL' || tooManyRequests !== undefined;
  const isRefused = retryType === 'UNIT_OF_WORK' || retryType === 'NOTHING';
  return {
    ...(typeof conflictingOperationId === 'string' && { conflict: conflictingOperationId }),
    ...(isBusy ? { verdict: 'busy' } : isRefused ? { verdict: 'refused' } : {}),
    ...(quotaFailure !== undefined && { quotas: violations(fieldsOf(quotaFailure)) }),
  };
}
