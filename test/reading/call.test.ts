import type { WorkflowHandle } from '@temporalio/client';
import type { OperationFailure } from 'temporal-lro';
import type { JsonObject } from 'temporal-lro/workflow';
import { diskBytes, DiskService, hang, status } from '../support/disks';
import { eventsBesideTasks } from '../support/environment';
import { failureOf, startDisks, type DiskEnvironment } from './environment';
import { call, callCancelled, callLeftOpen, callWith } from './workflows';

const { get, peek } = DiskService;

let environment: DiskEnvironment;
beforeAll(async () => (environment = await startDisks()));
afterAll(() => environment.stop());

let disks = 0;
const newDisk = (): string => `disk-${++disks}`;

function start(...args: Parameters<typeof call>): Promise<WorkflowHandle<typeof call>> {
  return environment.client.workflow.start(call, { ...environment.workflow(), args });
}

async function result(...args: Parameters<typeof call>): Promise<unknown> {
  return (await start(...args)).result();
}

/** The failure of a workflow, and whether it may be retried. */
async function failure(...args: Parameters<typeof call>): Promise<OperationFailure> {
  return failureOf(result(...args));
}

test('a call returns the reply as canonical JSON with its default values, in 11 events', async () => {
  const diskId = newDisk();
  environment.disks.on(diskId, () => ({ id: diskId, status: 'READY', size: '5' }));
  const handle = await start(get.path, { diskId });
  expect(await handle.result()).toEqual({ id: diskId, status: 'READY', size: '5', hosts: [], labels: {}, tags: [] });
  expect(await eventsBesideTasks(handle)).toBe(5);
  expect(environment.disks.callsFor(diskId)).toMatchObject([{ key: undefined }]);
});

test('the summary of a call names the method and the resource', async () => {
  const diskId = newDisk();
  environment.disks.on(diskId, () => ({ id: diskId }));
  const handle = await start(get.path, { diskId });
  await handle.result();
  const { events } = await handle.fetchHistory();
  const summaries = events?.flatMap(({ userMetadata }) => userMetadata?.summary?.data ?? []) ?? [];
  expect(summaries.map((data) => Buffer.from(data).toString())).toEqual([`"DiskService/Get ${diskId}"`]);
});

test.each(['UNAVAILABLE', 'INTERNAL', 'UNKNOWN', 'RESOURCE_EXHAUSTED', 'DEADLINE_EXCEEDED', 'ABORTED'] as const)(
  'a read is repeated after %s',
  async (code) => {
    const diskId = newDisk();
    environment.disks.on(diskId, (count) => {
      if (count === 1) throw status(code);
      return { id: diskId, status: 'READY' };
    });
    expect(await result(get.path, { diskId })).toMatchObject({ status: 'READY' });
    expect(environment.disks.callsFor(diskId)).toHaveLength(2);
  },
);

test.each(['NOT_FOUND', 'PERMISSION_DENIED', 'INVALID_ARGUMENT', 'UNIMPLEMENTED', 'UNAUTHENTICATED'] as const)(
  'a refusal with %s fails the call at once with the code',
  async (code) => {
    const diskId = newDisk();
    environment.disks.on(diskId, () => {
      throw status(code, 'because');
    });
    expect(await failure(get.path, { diskId })).toMatchObject({
      type: 'OperationServiceError',
      cloud: 'disks',
      codeName: code,
      message: `disks disks.v1.DiskService/Get: ${code}: because`,
    });
    expect(environment.disks.callsFor(diskId)).toHaveLength(1);
  },
);

test('a call that never gets through fails after its timeout with the last error', async () => {
  const diskId = newDisk();
  environment.disks.on(diskId, () => {
    throw status('UNAVAILABLE', 'the database is down');
  });
  const { message, ...found } = await failure(get.path, { diskId }, { timeout: '2 s' });
  expect(found).toMatchObject({ type: 'OperationServiceError', codeName: 'UNAVAILABLE' });
  expect(message).toMatch(
    /^disks DiskService\/Get did not succeed within 2 s\. The last error was UNAVAILABLE: .*database/,
  );
});

test('a call that no worker takes fails after its timeout', async () => {
  const work = environment.client.workflow.execute(call, {
    ...environment.workflow(),
    args: [get.path, { diskId: 'x' }, { timeout: '1 s' }, 'a task queue without a worker'],
  });
  expect(await failureOf(work)).toMatchObject({
    codeName: 'DEADLINE_EXCEEDED',
    message: expect.stringMatching(/no worker has answered/) as string,
  });
});

test.each<[string, unknown[], RegExp]>([
  ['an unknown cloud', ['clouds', get.path, {}], /^cloud is "clouds", but this worker configures disks/],
  ['an unknown method', ['disks', '/disks.v1.DiskService/Gett', {}], /has no method Gett; it has Get, /],
  ['a streaming method', ['disks', '/disks.v1.DiskService/GetStream', {}], /is a streaming method/],
  ['a method that starts an operation', ['disks', '/disks.v1.DiskService/Create', {}], /use execute\(\) or start\(\)/],
  [
    'a request with a field that does not exist',
    ['disks', get.path, { diskID: 'x' }],
    /request\.diskID is not a field/,
  ],
  ['a request that is no object', ['disks', get.path, 'x'], /^request is "x": give an object/],
  ['a method that is no path', ['disks', 'Get', {}], /^method is "Get"/],
  ['an invalid timeout', ['disks', get.path, {}, { timeout: 'soon' }], /^timeout is "soon"/],
  ['an unknown option', ['disks', get.path, {}, { timeOut: '1 s' }], /^timeOut is "1 s": unknown option/],
])('%s is a configuration error', async (_, args, message) => {
  const work = environment.client.workflow.execute(callWith, { ...environment.workflow(), args });
  const found = await failureOf(work);
  expect(found.type).toBe('OperationConfigurationError');
  expect(found.message).toMatch(message);
});

test('a reply that is too large is unreadable', async () => {
  const diskId = newDisk();
  environment.disks.on(diskId, () => ({ id: 'x'.repeat(1_600_000) }));
  expect(await failure(get.path, { diskId })).toMatchObject({
    type: 'OperationUnreadable',
    message: expect.stringMatching(
      /^disks disks\.v1\.DiskService\/Get was answered, but its reply is too large: 1600\d+ bytes of JSON/,
    ) as string,
  });
});

test('a reply that is no message of the type is unreadable', async () => {
  const diskId = newDisk();
  environment.disks.on(diskId, () => Buffer.from([0x0a, 0xff]));
  const found = await failure(get.path, { diskId });
  expect(found).toMatchObject({
    type: 'OperationUnreadable',
    message: expect.stringMatching(/its reply is not a disks\.v1\.Disk/) as string,
  });
});

test('a value without canonical JSON is null, and the activity tells which', async () => {
  const diskId = newDisk();
  // Field 8, a string, with a byte that is not UTF-8.
  environment.disks.on(diskId, () => Buffer.concat([diskBytes({ id: diskId }), Buffer.from([0x42, 1, 0xff])]));
  const handle = await start(get.path, { diskId });
  expect(await handle.result()).toMatchObject({ id: diskId, tags: [null] });
  const { events } = await handle.fetchHistory();
  const [payload] = events?.flatMap((one) => one.activityTaskCompletedEventAttributes?.result?.payloads ?? []) ?? [];
  const { problems } = JSON.parse(Buffer.from(payload?.data ?? '').toString()) as JsonObject;
  expect(problems).toEqual([{ path: 'tags[0]', problem: 'not UTF-8', base64: '/w==' }]);
});

test('a cancelled read ends at once', async () => {
  const diskId = newDisk();
  environment.disks.on(diskId, (_, incoming) => hang(incoming));
  const args: Parameters<typeof callCancelled> = [get.path, { diskId }, 500];
  const [end, tookMs] = await environment.client.workflow.execute(callCancelled, { ...environment.workflow(), args });
  expect(end).toMatch(/^cancelled: .*Call of disks DiskService\/Get cancelled$/);
  expect(tookMs).toBeLessThan(1_000);
});

test('a read that is marked as such is aborted when it is cancelled', async () => {
  const diskId = newDisk();
  environment.disks.on(diskId, (_, incoming) => hang(incoming));
  const args: Parameters<typeof callCancelled> = [peek.path, { diskId }, 100];
  const [end] = await environment.client.workflow.execute(callCancelled, { ...environment.workflow(), args });
  expect(end).toMatch(/^cancelled: /);
});

test('an operation scope cancels a call that is left open', async () => {
  const diskId = newDisk();
  environment.disks.on(diskId, (_, incoming) => hang(incoming));
  const args: Parameters<typeof callLeftOpen> = [get.path, { diskId }];
  expect(await environment.client.workflow.execute(callLeftOpen, { ...environment.workflow(), args })).toBe(
    'cancelled',
  );
});
