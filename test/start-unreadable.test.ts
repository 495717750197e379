import { join } from 'node:path';
import { fromJson, toBinary } from '@bufbuild/protobuf';
import { operationFailure } from 'temporal-lro';
import type { FaultEffect } from 'temporal-lro/testing';
import { loadDescriptors } from '../src/descriptors/load';
import { PROTO_DIRECTORY } from './support/proto';
import { cluster, CREATE, errorOf, startStarts, type StartEnvironment } from './start/environment';
import { execute, executeOperation } from './start/workflows';
import { CLOUD } from './support/environment';
import { until } from './support/until';

const METADATA = { '@type': 'type.googleapis.com/fakecloud.v1.CreateClusterMetadata', clusterId: 'cluster-7' };
const RESPONSE = { '@type': 'type.googleapis.com/fakecloud.v1.Cluster', id: 'cluster-7' };
const registry = loadDescriptors([join(PROTO_DIRECTORY, 'fakecloud.binpb')]);

/** A reply that contains this operation. */
function replyOf(operation: object): FaultEffect {
  const schema = registry.getMessage('yandex.cloud.operation.Operation');
  if (!schema) throw new Error('proto/ has no Operation');
  const json = { description: 'Create cluster', metadata: METADATA, ...operation };
  return { body: Buffer.from(toBinary(schema, fromJson(schema, json, { registry }))).toString('base64') };
}

let environment: StartEnvironment;
/** The faults of the next calls. */
let effects: FaultEffect[] = [];
beforeAll(async () => {
  environment = await startStarts();
  environment.cloud.intercept(({ method }) => (method === CREATE ? effects.shift() : undefined));
});
afterAll(() => environment.stop());

/** How a start with this reply ends, inline and by the workflow type, and the calls that were made. */
async function endsOf(name: string, reply: FaultEffect): Promise<{ ends: unknown[]; calls: string[] }> {
  const { client, cloud, workflow } = environment;
  effects = [reply, reply];
  const before = cloud.calls.length;
  const request = { name };
  const ends = await Promise.allSettled([
    client.workflow.execute(execute, { ...workflow(), args: [CREATE, request] }),
    client.workflow.execute(executeOperation, { ...workflow(), args: [{ cloud: CLOUD, method: CREATE, request }] }),
  ]);
  return {
    ends: ends.map((end) => (end.status === 'fulfilled' ? end.value : operationFailure(end.reason))),
    calls: cloud.calls.slice(before).map(({ method }) => method),
  };
}

test.each([
  ['of 513 bytes', 'x'.repeat(513), `${'x'.repeat(100)}…`, /its id has 513 bytes, more than the 512 of an id/],
  ['of a megabyte', 'я'.repeat(500_000), `${'я'.repeat(100)}…`, /its id has 1000000 bytes/],
  ['with control characters', 'fcm\u0000\u001b[31m', 'fcm\\u0000\\u001b[31m', /its id has control characters/],
  ['that is empty', '', '', /^yandex operation without an id \(Create cluster cluster-7\).*it has no id/],
])('an operation whose ID is one %s fails with everything known about it, and is not begun again', async (...row) => {
  const [name, id, shown, message] = row;
  const { ends, calls } = await endsOf(name, replyOf({ id }));
  const failure = {
    type: 'OperationUnreadable',
    operationId: shown,
    message: expect.stringMatching(message) as string,
    operation: { id: shown, state: 'running', metadata: METADATA },
  };
  expect(ends).toMatchObject([failure, failure]);
  expect(calls).toEqual([CREATE, CREATE]);
});

test('an operation that is done and whose ID is too long fails with its response', async () => {
  const { ends, calls } = await endsOf('done', replyOf({ id: 'x'.repeat(513), done: true, response: RESPONSE }));
  const failure = { type: 'OperationUnreadable', operation: { state: 'succeeded', response: RESPONSE } };
  expect(ends).toMatchObject([failure, failure]);
  expect(calls).toEqual([CREATE, CREATE]);
});

test('an operation that is done needs no ID', async () => {
  const succeeded = await endsOf('succeeded', replyOf({ done: true, response: RESPONSE }));
  expect(succeeded.ends).toMatchObject([RESPONSE, RESPONSE]);
  const failed = await endsOf('failed', replyOf({ done: true, error: { code: 3, message: 'wrong' } }));
  const failure = { type: 'OperationFailed', codeName: 'INVALID_ARGUMENT', operationId: '' };
  expect(failed.ends).toMatchObject([failure, failure]);
  expect([...succeeded.calls, ...failed.calls]).toEqual([CREATE, CREATE, CREATE, CREATE]);
});

test('an empty reply counts as lost: the start is repeated with the same key', async () => {
  environment.replies.of('empty', () => ({ response: cluster('empty') }));
  const { ends, calls } = await endsOf('empty', { body: '' });
  expect(ends).toMatchObject([{ name: 'empty' }, { name: 'empty' }]);
  expect(calls).toHaveLength(4);
  expect(environment.replies.startedOf('empty')).toBe(2);
});

test('a reply that is too large to accept fails with an error that says so, and is not repeated', async () => {
  const { ends, calls } = await endsOf('huge', { body: Buffer.alloc(64 * 2 ** 20 + 1).toString('base64') });
  const message = expect.stringMatching(
    /started an operation .*larger than 64 MiB.*its idempotencyKey is [0-9a-f-]{36}/,
  ) as string;
  expect(ends).toMatchObject([
    { type: 'OperationUnreadable', message },
    { type: 'OperationUnreadable', message },
  ]);
  expect(calls).toEqual([CREATE, CREATE]);
});

test('a cancelled start reports an operation that it has begun and that cannot be cancelled', async () => {
  const { cloud } = environment;
  const before = cloud.calls.length;
  effects = [{ lostReply: true }, { code: 10 }, replyOf({ id: 'x'.repeat(513) })];
  const handle = await environment.start('cancelled');
  await until(() => cloud.calls.length - before >= 2);
  await handle.cancel();
  const failure = operationFailure(await errorOf(handle.result()));
  expect(failure).toMatchObject({ type: 'OperationUnreadable', operation: { metadata: METADATA } });
  expect(failure?.message).not.toMatch(/may have started/);
});
