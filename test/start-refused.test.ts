import { operationFailure } from 'temporal-lro';
import { CREATE, errorOf, startStarts, type StartEnvironment } from './start/environment';
import { executeWithoutJson } from './start/workflows';
import { CLOUD } from './support/environment';

let environment: StartEnvironment;
beforeAll(async () => (environment = await startStarts()));
afterAll(() => environment.stop());

describe('a refusal', () => {
  const quota = {
    '@type': 'yandex.cloud.quota.QuotaFailure',
    violations: [{ metric: { name: 'clusters.count', limit: '8', usage: 8 }, required: '9' }],
  };
  test.each([
    [3, 'INVALID_ARGUMENT', 'bad version', [], false],
    [5, 'NOT_FOUND', 'no such network', [], false],
    [6, 'ALREADY_EXISTS', 'the name is taken', [], false],
    [7, 'PERMISSION_DENIED', 'no role', [], false],
    [8, 'RESOURCE_EXHAUSTED', 'Quota limit clusters.count exceeded', [quota], true],
    [9, 'FAILED_PRECONDITION', 'the network is being deleted', [], false],
  ])(
    'with code %d fails the start at once, typed and with its details',
    async (code, codeName, message, details, retryable) => {
      const name = `refused ${codeName}`;
      environment.replies.of(name, () => ({ refuse: { code, message, details } }));
      const error = await errorOf((await environment.start(name)).result());
      expect(operationFailure(error)).toMatchObject({
        type: 'OperationServiceError',
        cloud: CLOUD,
        code,
        codeName,
        message: `yandex fakecloud.v1.ClusterService/Create: ${codeName}: ${message}`,
        details: details.map(({ '@type': type, ...rest }) => ({ '@type': `type.googleapis.com/${type}`, ...rest })),
      });
      expect(error.cause).toMatchObject({ nonRetryable: !retryable });
      expect(environment.replies.startedOf(name)).toBe(1);
    },
  );

  test.each([
    [
      { nmae: 'secret' },
      /request\.nmae is not a field of fakecloud\.v1\.CreateClusterRequest, which has folderId, name/,
    ],
    [{ name: ['secret'] }, /request\.name must be a string/],
    [{ name: 'secret'.repeat(300_000) }, /request is "1800011 bytes of JSON": give at most 1500000/],
    [null, /request is null: give an object/],
  ])('of an invalid request names the field and does not show its value: %#', async (request, message) => {
    const before = environment.cloud.calls.length;
    const execution = environment.client.workflow.execute('execute', {
      ...environment.workflow(),
      args: [CREATE, request],
    });
    const failure = operationFailure(await errorOf(execution));
    expect(failure?.type).toBe('OperationConfigurationError');
    expect(failure?.message).toMatch(message);
    expect(failure?.message).not.toContain('secret');
    expect(environment.cloud.calls.length).toBe(before);
  });

  test.each([
    ['bigint', /^a "size" in request is "bigint": JSON cannot carry it/],
    ['NaN', /^a "size" in request is "number": JSON cannot carry it/],
    ['cycle', /^request is "an object": give plain JSON, without cycles/],
  ] as const)('of a request that JSON cannot carry, a %s, fails no workflow task', async (kind, message) => {
    const execution = environment.client.workflow.execute(executeWithoutJson, {
      ...environment.workflow(),
      args: [kind],
    });
    const failure = operationFailure(await errorOf(execution));
    expect(failure?.type).toBe('OperationConfigurationError');
    expect(failure?.message).toMatch(message);
  });

  test.each([
    ['nonsense', {}, /^method is "nonsense": give a generated method, or a path/],
    ['/fakecloud.v1.ClusterService/Burn', {}, /has no method Burn; it has Get, List, Create, Update, Delete/],
    ['/no.such.Service/Create', {}, /no service no\.such\.Service in the descriptors of this cloud/],
    [CREATE, { startTimeout: 'soon' }, /^startTimeout is "soon": give a number of milliseconds/],
    [CREATE, { idempotencyKey: 'a key' }, /^idempotencyKey is "a key": give a UUID/],
    [CREATE, { retries: 3 }, /^retries is 3: unknown option/],
  ])('of an invalid method or option names it: %#', async (method, options, message) => {
    const execution = environment.client.workflow.execute('execute', {
      ...environment.workflow(),
      args: [method, {}, options],
    });
    const failure = operationFailure(await errorOf(execution));
    expect(failure?.type).toBe('OperationConfigurationError');
    expect(failure?.message).toMatch(message);
  });

  test.each([
    [14, 'UNAVAILABLE', false],
    [3, 'INVALID_ARGUMENT', true],
  ])('in the operation itself, with code %d, is an OperationFailed', async (code, codeName, nonRetryable) => {
    const name = `failed ${codeName}`;
    environment.replies.of(name, () => ({ after: 200, error: { code, message: 'it broke' } }));
    const error = await errorOf((await environment.start(name)).result());
    expect(operationFailure(error)).toMatchObject({ type: 'OperationFailed', codeName });
    expect(error.cause).toMatchObject({ nonRetryable });
  });
});
