import type { CloudOptions, OperationFailure } from 'temporal-lro';
import { START_OPTION_KEYS, WAIT_OPTION_KEYS } from '../src/model/options';
import { README } from './support/readme';

const CLOUD_OPTIONS: Record<keyof CloudOptions, true> = {
  api: true,
  endpoint: true,
  discovery: true,
  services: true,
  credentials: true,
  descriptors: true,
  tls: true,
  plaintext: true,
  requestTimeout: true,
  maxConcurrentRequests: true,
  maxRequestsPerSecond: true,
  watch: true,
  progress: true,
};

const FAILURES: Record<OperationFailure['type'], true> = {
  OperationFailed: true,
  OperationCancelled: true,
  OperationTimedOut: true,
  OperationNotFound: true,
  OperationStillRunning: true,
  OperationUnreadable: true,
  OperationServiceError: true,
  OperationConfigurationError: true,
  ResourceConditionFailed: true,
  ResourceConditionTimedOut: true,
};

test('the tables of the README list every option and every type of failure', () => {
  const rows = [...README.matchAll(/^\| `(\w+)(?:\.\w+)?` +\|/gm)].map(([, name]) => name);
  const named = [...WAIT_OPTION_KEYS, ...START_OPTION_KEYS, ...Object.keys(CLOUD_OPTIONS), ...Object.keys(FAILURES)];
  expect(rows).toEqual(expect.arrayContaining(named));
});
