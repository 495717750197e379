import type { WorkflowHandle } from '@temporalio/client';
import { pollResource, resourceChanged, resourceQuery } from 'temporal-lro';
import { DiskService, status, type DiskReply } from '../support/disks';
import { until } from '../support/until';
import { failureOf, startDisks, type DiskEnvironment } from './environment';
import { awaitResource, untilWith } from './workflows';

const { get, resize } = DiskService;

let environment: DiskEnvironment;
beforeAll(async () => (environment = await startDisks()));
afterAll(() => environment.stop());

let disks = 0;
/** A disk with these replies, by the number of the poll. */
function newDisk(answer: (count: number) => DiskReply): string {
  const diskId = `disk-${++disks}`;
  environment.disks.on(diskId, answer);
  return diskId;
}

type Input = Parameters<typeof awaitResource>[0];

function start(diskId: string, options: Partial<Input> = {}): Promise<WorkflowHandle<typeof awaitResource>> {
  const input: Input = {
    cloud: 'disks',
    method: get.path,
    request: { diskId },
    match: { status: 'READY' },
    ...options,
  };
  return environment.client.workflow.start(awaitResource, { ...environment.workflow(), args: [input] });
}

test('the query tells what is seen and what is wanted, and the details show it', async () => {
  const diskId = newDisk(() => ({ status: 'CREATING' }));
  const handle = await start(diskId, { poll: { initialInterval: '5 s' } });
  await until(async () => (await handle.query(resourceQuery)).lastPolledAt !== undefined);
  expect(await handle.query(resourceQuery)).toMatchObject({
    cloud: 'disks',
    reading: `DiskService/Get ${diskId}`,
    state: 'waiting',
    wanted: 'status READY',
    seen: 'status CREATING, wanted READY',
  });
  const metadata = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  expect(metadata.currentDetails).toContain('status CREATING, wanted READY');
  await handle.terminate();
});

test('an update polls at once, and answers with the reply', async () => {
  const diskId = newDisk(() => ({ status: 'CREATING', tags: ['slow'] }));
  const handle = await start(diskId, { poll: { initialInterval: '100 ms', maximumInterval: '1 h', ageFraction: 1 } });
  const shown = await handle.executeUpdate(pollResource);
  expect(shown).toMatchObject({ seen: 'status CREATING, wanted READY', reply: { status: 'CREATING', tags: ['slow'] } });
  await handle.terminate();
});

test('a signal ends the wait as soon as the next poll shows a match', async () => {
  let isReady = false;
  const diskId = newDisk(() => ({ status: isReady ? 'READY' : 'CREATING' }));
  const handle = await start(diskId, { poll: { initialInterval: '5 s', maximumInterval: '1 h', ageFraction: 1 } });
  await until(async () => (await handle.query(resourceQuery)).lastPolledAt !== undefined);
  isReady = true;
  await handle.signal(resourceChanged);
  expect(await handle.result()).toMatchObject({ status: 'READY' });
  expect(environment.disks.callsFor(diskId)).toHaveLength(2);
});

test('an update that meets a failed resource ends the wait with the same failure', async () => {
  let isBroken = false;
  const diskId = newDisk(() => ({ status: isBroken ? 'ERROR' : 'CREATING' }));
  const poll = { initialInterval: '5 s', maximumInterval: '1 h', ageFraction: 1 } as const;
  const handle = await start(diskId, { fail: { status: 'ERROR' }, poll });
  await until(async () => (await handle.query(resourceQuery)).lastPolledAt !== undefined);
  isBroken = true;
  await handle.signal(resourceChanged);
  expect(await failureOf(handle.result())).toMatchObject({
    type: 'ResourceConditionFailed',
    reply: { status: 'ERROR' },
  });
});

test('a resource that was never there is not found, and the failure says how to wait for it', async () => {
  const handle = await start('no-such-disk', { poll: { initialInterval: '1 s' } });
  const found = await failureOf(handle.result());
  expect(found.type).toBe('OperationNotFound');
  expect(found.message).toMatch(
    /^disks DiskService\/Get no-such-disk was not found \(NOT_FOUND: .*\), and status READY was wanted\. If it is created later, give a timeout/,
  );
}, 30_000);

test('a wait shares the polls of another, but is not ended by a reply from before it began', async () => {
  // Only the first reply matches until the second wait has polled.
  const diskId = newDisk((count) => ({ status: count === 2 ? 'CREATING' : 'READY', size: String(count) }));
  const other = await start(diskId, { match: { status: 'ERROR' }, poll: { initialInterval: '4 s' } });
  await until(() => environment.disks.callsFor(diskId).length === 1);
  const handle = await start(diskId, { poll: { initialInterval: '4 s' } });
  expect(await handle.result()).toMatchObject({ size: '3' });
  await other.terminate();
});

test('a match that no reply can meet is a failure that names the field', async () => {
  const handle = await start(
    newDisk(() => ({})),
    { match: { statuss: 'READY' } },
  );
  expect(await failureOf(handle.result())).toMatchObject({
    type: 'OperationConfigurationError',
    message: expect.stringMatching(/match\.statuss is "READY": this is not a field of disks\.v1\.Disk/) as string,
  });
});

test.each<[string, unknown[], RegExp]>([
  ['no options', ['disks', get.path, {}], /^options is undefined: give an object/],
  ['no match', ['disks', get.path, {}, {}], /^match is undefined: give an object/],
  [
    'another word as match',
    ['disks', get.path, {}, { match: 'gone' }],
    /^match is "gone": give a partial reply, or "absent"/,
  ],
  [
    'an option of other waits',
    ['disks', get.path, {}, { match: {}, onTimeout: 'fail' }],
    /^onTimeout is "fail": unknown/,
  ],
  ['a method that changes something', ['disks', resize.path, {}, { match: {} }], /Resize may change something/],
  ['an unknown method', ['disks', '/disks.v1.DiskService/Gett', {}, { match: {} }], /has no method Gett/],
  ['an unknown cloud', ['clouds', get.path, {}, { match: {} }], /^cloud is "clouds", but this worker configures/],
])('%s is a configuration error', async (_, args, message) => {
  const work = environment.client.workflow.execute(untilWith, { ...environment.workflow(), args });
  const found = await failureOf(work);
  expect(found.type).toBe('OperationConfigurationError');
  expect(found.message).toMatch(message);
});

test('a result that was completed by hand and is none is a failure, not a failed workflow task', async () => {
  const diskId = newDisk(() => {
    throw status('UNAVAILABLE');
  });
  const handle = await start(diskId, { poll: { initialInterval: '5 s' } });
  await until(() => environment.disks.callsFor(diskId).length > 0);
  const activityId = await pendingActivity(handle);
  await environment.client.activity.complete({ workflowId: handle.workflowId, activityId }, { outcome: 'odd' });
  expect(await failureOf(handle.result())).toMatchObject({ type: 'OperationUnreadable' });
});

/** The ID of the pending activity. */
async function pendingActivity(handle: WorkflowHandle): Promise<string> {
  let activityId: string | null | undefined;
  await until(async () => {
    const [pending] = (await handle.describe()).raw.pendingActivities ?? [];
    activityId = pending?.activityId;
    return !!activityId;
  });
  return activityId ?? '';
}
