import { join } from 'node:path';
import { operationFailure, OperationsClient } from 'temporal-lro';
import { cluster, CREATE, errorOf, Replies, startStarts, type StartEnvironment } from './start/environment';
import { createNetworkAndCluster, execute, executeOperation, startInEachRun } from './start/workflows';
import { CLOUD, startEnvironment } from './support/environment';
import { PROTO_DIRECTORY } from './support/proto';
import { reset } from './support/reset';

const poll = { initialInterval: '100 ms' } as const;

let environment: StartEnvironment;
beforeAll(async () => (environment = await startStarts()));
afterAll(() => environment.stop());

describe('a start', () => {
  test('by typed methods passes the resource that it creates to the next one', async () => {
    const made = await environment.client.workflow.execute(createNetworkAndCluster, {
      ...environment.workflow(),
      args: ['chain'],
    });
    expect(made).toMatchObject({ id: 'cluster-chain', name: 'chain' });
  });

  test('by a path, with or without a slash, gives the workflow type its response', async () => {
    const response = environment.client.workflow.execute(executeOperation, {
      ...environment.workflow(),
      args: [{ cloud: CLOUD, method: CREATE.slice(1), request: { name: 'by-path' }, poll }],
    });
    expect(await response).toMatchObject({ '@type': 'type.googleapis.com/fakecloud.v1.Cluster', name: 'by-path' });
  });

  test('uses the default of its cloud for an option that is null or undefined', async () => {
    environment.replies.of('limited', () => ({ after: '1 h', response: cluster('limited') }));
    const handle = await environment.start('limited', { timeout: null, poll: { jitter: null } }, { timeout: '1 s' });
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'OperationTimedOut' } });
  });

  test('from a plain Node program begins one operation per key', async () => {
    const descriptors = [join(PROTO_DIRECTORY, 'fakecloud.binpb')];
    const client = OperationsClient.connect({ endpoint: environment.cloud.address, plaintext: true, descriptors });
    const idempotencyKey = '5b9e5b0a-90b4-4a3c-8d4f-5d6e3c1a8f11';
    const first = await client.start('/fakecloud.v1.NetworkService/Create', { name: 'n' }, { idempotencyKey });
    const second = await client.start('/fakecloud.v1.NetworkService/Create', { name: 'n' }, { idempotencyKey });
    const third = await client.start('/fakecloud.v1.NetworkService/Create', { name: 'n' });
    client.close();
    expect(second.id).toBe(first.id);
    expect(third.id).not.toBe(first.id);
  });

  test('runs on the task queue that its cloud is configured with', async () => {
    const elsewhere = await startEnvironment();
    const made = new Replies(elsewhere.cloud, CREATE);
    try {
      const handle = await environment.start('elsewhere', {}, { taskQueue: elsewhere.taskQueue });
      expect(await handle.result()).toMatchObject({ name: 'elsewhere' });
    } finally {
      await elsewhere.stop();
    }
    expect(made.startedOf('elsewhere')).toBe(1);
    expect(environment.replies.startedOf('elsewhere')).toBe(0);
  });
});

describe('exactly once', () => {
  test.each([
    ['a reply that is lost', { lostReply: true }],
    ['a reply that is garbled', { body: '/w==' }],
    ['an UNAVAILABLE', { code: 14 }],
    ['a DEADLINE_EXCEEDED', { code: 4 }],
  ] as const)('after %s the start is repeated with the same key', async (what, effect) => {
    let spoilt = 0;
    environment.cloud.intercept(({ method }) => (method === CREATE && spoilt++ < 1 ? effect : undefined));
    const handle = await environment.start(what);
    expect(await handle.result()).toMatchObject({ id: `cluster-${what}` });
    spoilt = Infinity;
    expect(environment.replies.startedOf(what)).toBe(1);
    expect(await environment.timeline(handle)).toEqual([
      `operation.start • ClusterService/Create ${what}`,
      `operation.start • ClusterService/Create ${what}`,
    ]);
  });

  test('continue-as-new uses a new key, unless the caller gives one', async () => {
    const run = (name: string, key?: string) =>
      environment.client.workflow.execute(startInEachRun, { ...environment.workflow(), args: [name, key] });
    await run('drawn anew');
    await run('given', '0b0a3c2e-6f1d-4a55-9c5e-6a7b8c9d0e1f');
    expect([environment.replies.startedOf('drawn anew'), environment.replies.startedOf('given')]).toEqual([2, 1]);
  });

  test('a retry of the workflow uses a new key, so that it does not get the failed operation again', async () => {
    environment.replies.of('retried', (started) =>
      started === 1 ? { error: { code: 14, message: 'no machine is free' } } : { response: cluster('retried') },
    );
    const result = environment.client.workflow.execute(execute, {
      ...environment.workflow(),
      args: [CREATE, { name: 'retried' }],
      retry: { maximumAttempts: 3, initialInterval: '10 ms' },
    });
    expect(await result).toMatchObject({ name: 'retried' });
    expect(environment.replies.startedOf('retried')).toBe(2);
  });

  test('a reset to a point before the start uses a new key; a reset to a point after it keeps the operation', async () => {
    const handle = await environment.start('reset');
    await handle.result();
    await (await reset(environment.client, handle.workflowId, 2)).result();
    expect(environment.replies.startedOf('reset')).toBe(1);
    await (await reset(environment.client, handle.workflowId, 1)).result();
    expect(environment.replies.startedOf('reset')).toBe(2);
  });
});

describe('a start that conflicts', () => {
  test.each([
    ['"quoted"', (id: string) => `conflicting operation "${id}" detected`],
    ['bare', (id: string) => `Conflicting operation ${id} detected`],
    ['in progress', (id: string) => `Operation "${id}" is in progress`],
    ['running', (id: string) => `Cluster has running operation "${id}"`],
  ])(
    'awaits a conflicting operation that is named %s, shows it in the timeline, and then starts',
    async (name, message) => {
      const conflicting = environment.cloud.operation({ after: 1500, response: cluster('other') });
      let isOver = false;
      environment.replies.of(name, () => {
        isOver ||= environment.cloud.calls.some(({ operationId }) => operationId === conflicting);
        return isOver ? { response: cluster(name) } : { refuse: { code: 9, message: message(conflicting) } };
      });
      const handle = await environment.start(name);
      expect(await handle.result()).toMatchObject({ name });
      expect(await environment.timeline(handle)).toEqual([
        `operation.start • ClusterService/Create ${name}`,
        `operation.get • ${conflicting} · conflicts with a start · poll 1`,
        `operation.start • ClusterService/Create ${name}`,
      ]);
    },
  );

  test('is retried with backoff when the operation it names does not exist, which is polled once', async () => {
    environment.replies.of('unseen', (started) =>
      started < 4
        ? { refuse: { code: 9, message: 'Operation "already" is in progress' } }
        : { response: cluster('unseen') },
    );
    const handle = await environment.start('unseen');
    expect(await handle.result()).toMatchObject({ name: 'unseen' });
    const timeline = await environment.timeline(handle);
    expect(timeline.filter((line) => line.startsWith('operation.get'))).toHaveLength(1);
    const tries = timeline.filter((line) => /^ClusterService\/Create · FAILED_PRECONDITION · next try in /.test(line));
    expect(tries).toHaveLength(3);
  });

  test.each([
    [8, 'RESOURCE_EXHAUSTED', 'The limit on maximum number of active operations has exceeded.'],
    [8, 'RESOURCE_EXHAUSTED', 'Too many requests'],
    [9, 'FAILED_PRECONDITION', 'another operation is in progress'],
  ])('with code %d %s, %s, is retried with backoff', async (code, codeName, message) => {
    environment.replies.of(message, (started) =>
      started < 3 ? { refuse: { code, message } } : { response: cluster(message) },
    );
    const handle = await environment.start(message);
    expect(await handle.result()).toMatchObject({ name: message });
    const tries = (await environment.timeline(handle)).filter((line) => line.includes(`${codeName} · next try in`));
    expect(tries).toHaveLength(2);
  });

  test('is bounded by startTimeout, and its retryable failure names the conflict', async () => {
    const message = 'The limit on maximum number of active operations has exceeded.';
    environment.replies.of('always busy', () => ({ refuse: { code: 8, message } }));
    const error = await errorOf((await environment.start('always busy', { startTimeout: '2 s' })).result());
    expect(operationFailure(error)).toMatchObject({
      type: 'OperationServiceError',
      code: 8,
      codeName: 'RESOURCE_EXHAUSTED',
      message: `yandex ClusterService/Create was not started within 2 s. The last error was RESOURCE_EXHAUSTED: ${message}`,
    });
    expect(error.cause).toMatchObject({ nonRetryable: false });
  });

  test('fails without retry, and names the key, when it is unknown whether the operation has been begun in time', async () => {
    let isDown = true;
    environment.cloud.intercept(({ method }) => (method === CREATE && isDown ? { lostReply: true } : undefined));
    const idempotencyKey = '7d8f0c9a-1b2c-4d3e-8f4a-5b6c7d8e9f0a';
    const options = { startTimeout: '2 s', idempotencyKey } as const;
    const error = await errorOf((await environment.start('unknown', options)).result());
    isDown = false;
    expect(operationFailure(error)).toMatchObject({
      type: 'OperationServiceError',
      codeName: 'UNAVAILABLE',
    });
    expect(operationFailure(error)?.message).toContain(`a start with idempotencyKey ${idempotencyKey} finds it`);
    expect(error.cause).toMatchObject({ nonRetryable: true });
    expect(await (await environment.start('unknown', { idempotencyKey })).result()).toMatchObject({ name: 'unknown' });
    expect(environment.replies.startedOf('unknown')).toBe(1);
  });
});
