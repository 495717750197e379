import { GOOGLE_REFUSALS } from '../src/apis/google';
import { NEBIUS_REFUSALS } from '../src/apis/nebius';
import { YANDEX_REFUSALS } from '../src/apis/yandex';
import { COMMON_REFUSALS, joinRefusals } from '../src/model/start-refusals';
import { startVerdict } from '../src/model/start-verdict';
import { codeName, type AnyJson } from '../src/model/snapshot';

const EVERY_CLOUD = joinRefusals(COMMON_REFUSALS, YANDEX_REFUSALS, GOOGLE_REFUSALS, NEBIUS_REFUSALS);
const NAMES = Array.from({ length: 17 }, (_, code) => codeName(code));

function verdict(code: string, message: string, details: AnyJson[] = [], neverSent = false): string {
  const found = startVerdict({ codeName: code, message, details, neverSent }, EVERY_CLOUD);
  return found.verdict === 'conflict' ? `conflict ${found.conflictingOperationId}` : found.verdict;
}

/** A detail of an error. */
const detail = (type: string, fields: object): AnyJson => ({ '@type': `type.googleapis.com/${type}`, ...fields });
const retryInfo = detail('google.rpc.RetryInfo', { retryDelay: '3s' });
const errorInfo = (reason: string): AnyJson => detail('google.rpc.ErrorInfo', { reason, domain: 'googleapis.com' });
const googleQuota = (...descriptions: string[]): AnyJson =>
  detail('google.rpc.QuotaFailure', {
    violations: descriptions.map((description) => ({ subject: 'project:1', description })),
  });
const yandexQuota = (name: string): AnyJson =>
  detail('yandex.cloud.quota.QuotaFailure', {
    violations: [{ metric: { name, limit: '8', usage: 8 }, required: '9' }],
  });
const nebius = (fields: object): AnyJson => detail('nebius.common.v1.ServiceError', { service: 'vpc', ...fields });
const precondition = (type: string, subject: string, description = ''): AnyJson =>
  detail('google.rpc.PreconditionFailure', { violations: [{ type, subject, description }] });

const PER_MINUTE =
  "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute' of service 'cloudkms.googleapis.com'";

describe('RESOURCE_EXHAUSTED', () => {
  test.each([
    'Too many requests',
    'Too many operations: cluster "c" hits the concurrent operations quota 5, please try again later.',
    'Request rate limit exceeded, retry later',
    'The limit on concurrent operations quota exceeded',
    'The limit on maximum number of active operations has exceeded.',
    'CONCURRENT_OPERATIONS_QUOTA_EXCEEDED',
    'The query rate is too high.',
    'Requests are throttled',
    PER_MINUTE,
    'Quota exceeded for ReadRequestsPerMinutePerUser',
    'Resource has been exhausted (e.g. check quota).',
    'There are no machines now, try again in a minute',
  ])('is retried with backoff when the limit frees itself: %s', (message) => {
    expect(verdict('RESOURCE_EXHAUSTED', message)).toBe('busy');
  });

  test.each([
    'Quota limit compute.instances.count exceeded',
    'The limit on total size of network-hdd disks has exceeded',
    'The limit on GPUs is exceeded',
    'You have reached the limit of 8 networks: exceeded the limit on networks',
    'The maximum number of networks is reached',
    'It exceeds the number of clusters in a folder',
    'grpc: received message larger than max (5242880 vs. 4194304)',
  ])('fails at once when somebody has to raise the limit: %s', (message) => {
    expect(verdict('RESOURCE_EXHAUSTED', message)).toBe('refused');
  });

  test.each(['', 'Zu viel zu tun', 'x'.repeat(1_000_000)])(
    'is retried with backoff when nothing is known: %#',
    (text) => {
      expect(verdict('RESOURCE_EXHAUSTED', text)).toBe('busy');
    },
  );

  test.each<[string, string, AnyJson[]]>([
    ['busy', 'RetryInfo, also beside a quota', [yandexQuota('compute.instances.count'), retryInfo]],
    ['busy', 'a reason of rates', [googleQuota(PER_MINUTE), errorInfo('RATE_LIMIT_EXCEEDED')]],
    ['busy', 'a reason of concurrent operations', [errorInfo('CONCURRENT_OPERATIONS_QUOTA_EXCEEDED')]],
    ['refused', 'a reason of resources', [errorInfo('RESOURCE_QUOTA_EXCEEDED')]],
    ['busy', 'a reason that says nothing', [errorInfo('SOMETHING')]],
    ['busy', 'a quota of requests in some time', [googleQuota(PER_MINUTE)]],
    ['refused', 'a quota of resources', [googleQuota("Quota 'CPUS' exceeded")]],
    ['refused', 'a quota of requests and one of resources', [googleQuota(PER_MINUTE, "Quota 'CPUS' exceeded")]],
    ['refused', 'a quota of resources, of Yandex Cloud', [yandexQuota('compute.instances.count')]],
    ['busy', 'a quota of operations, of Yandex Cloud', [yandexQuota('compute.active-operations.count')]],
    ['refused', 'a quota that cannot be read', [detail('google.rpc.QuotaFailure', { base64: 'AA==', problem: '?' })]],
    ['busy', 'too many requests, of Nebius', [nebius({ tooManyRequests: { violation: 'rps' } })]],
    ['busy', 'a call to be repeated, of Nebius', [nebius({ retryType: 'CALL', quotaFailure: { violations: [{}] } })]],
    ['refused', 'a call not to be repeated, of Nebius', [nebius({ retryType: 'NOTHING' })]],
    ['refused', 'a unit of work to be repeated, of Nebius', [nebius({ retryType: 'UNIT_OF_WORK' })]],
    ['refused', 'a quota, of Nebius', [nebius({ quotaFailure: { violations: [{ quota: 'compute.gpu' }] } })]],
    ['busy', 'details of no use', [detail('google.rpc.Help', {}), detail('', { violations: 3 }), { '@type': 'x' }]],
  ])('is %s by its details: %s', (expected, _, details) => {
    expect(verdict('RESOURCE_EXHAUSTED', 'The request was not served', details)).toBe(expected);
  });

  test('that names a resource in its details fails at once, whatever its text says', () => {
    expect(verdict('RESOURCE_EXHAUSTED', 'Too many requests', [yandexQuota('compute.disks.size')])).toBe('refused');
  });
});

describe('a conflicting operation', () => {
  test.each([
    ['conflicting operation "fcm1" detected', 'fcm1'],
    ['Conflicting operation fcm1 detected', 'fcm1'],
    ['Operation fcm123 is in progress', 'fcm123'],
    ['Operation "abc" is still running.', 'abc'],
    ['Cluster has running operation "abc"', 'abc'],
    ["The disk has an unfinished operation 'epd7'", 'epd7'],
    ['Cluster is running incompatible operation operation-1718024305921-fd4f65ea.', 'operation-1718024305921-fd4f65ea'],
    [
      'Operation operation-15296-d10 is currently upgrading cluster c. Please wait and try again.',
      'operation-15296-d10',
    ],
    ['pending operation: projects/p/locations/l/operations/op-1, wait', 'projects/p/locations/l/operations/op-1'],
  ])('is awaited when the text names it: %s', (message, id) => {
    for (const code of ['FAILED_PRECONDITION', 'ABORTED', 'ALREADY_EXISTS'] as const) {
      expect(verdict(code, message)).toBe(`conflict ${id}`);
    }
  });

  test.each<[string, AnyJson]>([
    ['fcm1', nebius({ retryType: 'NOTHING', operationConflict: { conflictingOperationId: 'fcm1' } })],
    ['operations/op-1', precondition('STATE', 'operations/op-1')],
    ['fcm1', precondition('OPERATION_IN_PROGRESS', 'fcm1')],
    ['op-1', precondition('STATE', 'clusters/c', 'Operation op-1 is in progress')],
    ['op-1', precondition('STATE', 'clusters/c', 'conflicting operation "op-1" detected')],
  ])('is awaited when a detail names it: %s, %j', (id, given) => {
    expect(verdict('FAILED_PRECONDITION', 'Not now', [given])).toBe(`conflict ${id}`);
  });

  test.each([
    'another operation is in progress',
    'Another update operation is performed',
    'Operation failed because another operation was already in progress.',
    'An operation already is in progress',
    'Operations are still running on the cluster',
    'Cluster has running operations',
    'Concurrent modification of the folder',
    'The instance is locked, please try again later',
    `Operation "${'x'.repeat(513)}" is in progress`,
  ])('is retried with backoff when its name is unknown: %s', (message) => {
    for (const code of ['FAILED_PRECONDITION', 'ALREADY_EXISTS'] as const) expect(verdict(code, message)).toBe('busy');
  });

  test.each<[AnyJson]>([
    [precondition('STATE', 'clusters/c', 'another operation is in progress')],
    [nebius({ retryType: 'CALL', resourceConflict: {} })],
    [retryInfo],
  ])('is retried with backoff when only a detail mentions it: %j', (given) => {
    expect(verdict('FAILED_PRECONDITION', 'Not now', [given])).toBe('busy');
  });

  test.each([
    ['FAILED_PRECONDITION', 'the network is being deleted'],
    ['FAILED_PRECONDITION', 'no operation is in progress, so there is none to stop'],
    ['FAILED_PRECONDITION', 'The operation is not allowed in state STOPPED'],
    ['FAILED_PRECONDITION', ''],
    ['ALREADY_EXISTS', 'the name is taken'],
    ['INVALID_ARGUMENT', 'Operation fcm123 is in progress'],
  ] as const)('is not what %s means by "%s"', (code, message) => {
    expect(verdict(code, message)).toBe('refused');
  });

  test('is not what a detail means that says an operation is not allowed', () => {
    const given = precondition('UNSUPPORTED_OPERATION', 'clusters/c', 'The operation is not allowed');
    expect(verdict('FAILED_PRECONDITION', 'Not now', [given])).toBe('refused');
  });

  test('is not searched for in texts of several megabytes', () => {
    expect(verdict('FAILED_PRECONDITION', `${'operation '.repeat(500_000)}"abc" is running`)).toBe('refused');
  });
});

test.each([
  ['unknown', ['OK', 'CANCELLED', 'UNKNOWN', 'DEADLINE_EXCEEDED', 'INTERNAL', 'UNAVAILABLE']],
  ['busy', ['RESOURCE_EXHAUSTED', 'ABORTED']],
])('is %s by its code alone: %j', (expected, codes) => {
  const found = NAMES.filter((code) => verdict(code, 'Something is wrong') === expected);
  expect(found.sort()).toEqual([...codes].sort());
});

test('a call that was never sent has begun nothing: transient errors are retried with backoff, and others fail', () => {
  const found = NAMES.map((code) => verdict(code, 'conflicting operation "a" detected', [], true));
  expect(NAMES.filter((_, code) => found[code] === 'busy')).toEqual(
    NAMES.filter((code) => ['unknown', 'busy'].includes(verdict(code, 'Something is wrong'))),
  );
  expect(new Set(found)).toEqual(new Set(['busy', 'refused']));
});
