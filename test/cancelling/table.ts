import type { WaitOptions } from 'temporal-lro/workflow';
import type { OperationScript } from '../../src/testing/script';

/** How the cloud treats Cancel: a column of the table in docs/cancelling.md. */
export interface Column {
  cloud: string;
  scripts: Record<string, OperationScript>;
  /**
   * How many Cancel requests the script takes until the cloud has answered one.
   * @default 1
   */
  requests?: Record<string, number | 'several'>;
  /** @default 30 s, longer than any script */
  cancelTimeout?: WaitOptions['cancelTimeout'];
  outcome: string;
  /** The failure message while the operation is still running: the only text that the UI shows. */
  why?: RegExp;
}

const METADATA = { '@type': 'fakecloud.v1.CreateClusterMetadata', clusterId: 'cluster-1' };
const RESPONSE = { '@type': 'fakecloud.v1.Cluster', id: 'cluster-1', name: 'prod' };
const LONG = { after: '1 h', metadata: METADATA, response: RESPONSE } as const;
const ERROR = { code: 8, message: 'The limit on the number of clusters has been exceeded.' };

function refusal(code: number): OperationScript {
  return { ...LONG, onCancel: { refuses: { code, message: 'This operation cannot be cancelled.' } } };
}

export const columns: Column[] = [
  {
    cloud: 'cancels it',
    scripts: {
      'at once': LONG,
      late: { ...LONG, onCancel: { cancelsAfter: 1500 } },
      'after a rollback': { ...LONG, onCancel: { cancelsAfter: 1500, rollback: 1500 } },
      'and overwrites that later': { ...LONG, onCancel: { overwrittenBy: { code: 13 }, after: 60_000 } },
      'at the third request': { ...LONG, faults: [{ on: 'Cancel', calls: 2, code: 14 }] },
      'and its reply is lost': { ...LONG, faults: [{ on: 'Cancel', calls: 1, lostReply: true }] },
      'though Cancel is flaky': { ...LONG, faults: [{ on: 'Cancel', calls: 1, code: 4 }] },
      'after NOT_FOUND': { ...LONG, faults: [{ on: 'Cancel', calls: 1, code: 5 }] },
      'after PERMISSION_DENIED': { ...LONG, faults: [{ on: 'Cancel', calls: 2, code: 7 }] },
      'after UNAUTHENTICATED': { ...LONG, faults: [{ on: 'Cancel', calls: 1, code: 16 }] },
    },
    requests: {
      'at the third request': 3,
      'though Cancel is flaky': 2,
      'after NOT_FOUND': 2,
      'after PERMISSION_DENIED': 3,
      'after UNAUTHENTICATED': 2,
    },
    outcome: 'cancelled',
  },
  {
    cloud: 'completes it anyway',
    scripts: {
      'at once': { ...LONG, onCancel: 'completes' },
      late: { ...LONG, onCancel: { completesAfter: 1500 } },
    },
    outcome: 'completed',
  },
  {
    cloud: 'ends it with another error',
    scripts: {
      'at once': { after: '1 h', metadata: METADATA, error: ERROR, onCancel: 'completes' },
      late: { after: '1 h', metadata: METADATA, error: ERROR, onCancel: { completesAfter: 1500 } },
    },
    outcome: 'failed',
  },
  {
    cloud: 'refuses to cancel it',
    scripts: {
      'with INVALID_ARGUMENT': refusal(3),
      'with FAILED_PRECONDITION': refusal(9),
      'with UNIMPLEMENTED': refusal(12),
    },
    cancelTimeout: '10 s',
    outcome: 'unsupported',
    why: /the cloud refused to cancel it \([A-Z_]+: This operation cannot be cancelled\.\)/,
  },
  {
    cloud: 'does not end it in time',
    scripts: {
      'and ignores the request': { ...LONG, onCancel: 'ignores' },
      'and cannot be reached': { ...LONG, faults: [{ on: 'Cancel', calls: 1000, code: 14 }] },
      'and refuses with PERMISSION_DENIED': refusal(7),
    },
    cancelTimeout: '10 s',
    requests: { 'and cannot be reached': 'several', 'and refuses with PERMISSION_DENIED': 'several' },
    outcome: 'unconfirmed',
    why: /the cloud (refused to cancel it \(PERMISSION_DENIED: This operation cannot be cancelled\.\)|has not confirmed that it is cancelled|could not be asked to cancel it \((.*UNAVAILABLE.*|no answer came in time)\))/,
  },
];

const GOES_ON = 'its wait goes on';

/** The rows of the table in docs/cancelling.md: what was cancelled, and what the caller gets, by column. */
export const rows: Record<string, string[]> = {
  'the workflow': cancelled(),
  'a scope': cancelled(),
  'the parent of a child': cancelled(),
  'a wait that an `operationScope` left open': cancelled(),
  "the operation, by its `timeout` with `onTimeout: 'cancel'`": [
    '`OperationTimedOut`',
    'the response',
    '`OperationFailed`',
    '`OperationTimedOut`',
    '`OperationTimedOut`',
  ],
  'the operation, by `handle.cancel()`': columns.map(({ outcome }) => `\`'${outcome}'\``),
  'the operation, by `handle.cancel()`, for another wait on it': [
    '`OperationCancelled`',
    'the response',
    '`OperationFailed`',
    GOES_ON,
    GOES_ON,
  ],
  "the workflow, with `'TRY_CANCEL'`": columns.map(() => '`CancelledFailure`'),
  "the workflow, with `'ABANDON'`": columns.map(() => '`CancelledFailure`'),
};

function cancelled(): string[] {
  return [
    '`CancelledFailure`',
    'the response',
    '`OperationFailed`',
    '`OperationStillRunning`',
    '`OperationStillRunning`',
  ];
}
