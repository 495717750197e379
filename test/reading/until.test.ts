import type { WorkflowHandle } from '@temporalio/client';
import { DiskService, status, type DiskReply } from '../support/disks';
import { eventsBesideTasks } from '../support/environment';
import { until as untilSo } from '../support/until';
import { failureOf, startDisks, type DiskEnvironment } from './environment';
import { until, untilInChild, untilLeftOpen } from './workflows';

const { get } = DiskService;

let environment: DiskEnvironment;
beforeAll(async () => (environment = await startDisks()));
afterAll(() => environment.stop());

let disks = 0;
const newDisk = (): string => `disk-${++disks}`;
const CREATING: DiskReply = { status: 'CREATING' };
const READY: DiskReply = { status: 'READY', size: '5' };

type Options = Parameters<typeof until>[2];
type Kind = 'timer' | 'activityRetry' | 'child';

/** Intervals from 5 s on are slept by timers or activity retries; the tests' waits are that long. */
const LONG = { initialInterval: '5 s', maximumInterval: '5 s', jitter: 0 } as const;

/** The wait in question: by a short interval, which the worker watches. */
function begin(kind: Kind, diskId: string, options: Options): Promise<WorkflowHandle> {
  const by = kind === 'child' ? 'timer' : kind;
  const args: Parameters<typeof until> = [get.path, { diskId }, { ...options, poll: { by, ...options.poll } }];
  return environment.client.workflow.start(kind === 'child' ? untilInChild : until, {
    ...environment.workflow(),
    args,
  });
}

const KINDS: Kind[] = ['timer', 'activityRetry', 'child'];

/** Each cell: the replies, by the number of the poll, and how the wait ends. */
describe.each(KINDS)('a wait for a reply, by %s', (kind) => {
  const run = async (
    answer: (count: number) => DiskReply,
    options: Options,
  ): Promise<{ diskId: string; handle: WorkflowHandle }> => {
    const diskId = newDisk();
    environment.disks.on(diskId, answer);
    return { diskId, handle: await begin(kind, diskId, options) };
  };

  test.each([
    ['watched by the worker', { initialInterval: '200 ms' } as const],
    ['slept through on the server', LONG],
  ])('returns the reply that matches, %s', async (_, poll) => {
    const answer = (count: number): DiskReply => (count < 2 ? CREATING : READY);
    const { handle, diskId } = await run(answer, { match: { status: 'READY' }, poll });
    expect(await handle.result()).toMatchObject({ status: 'READY', size: '5' });
    expect(environment.disks.callsFor(diskId)).toHaveLength(2);
  });

  test('waits until the resource appears, if there is a timeout', async () => {
    const answer = (count: number): DiskReply => {
      if (count < 3) throw status('NOT_FOUND');
      return READY;
    };
    const options = { match: { status: 'READY' }, timeout: '1 min', poll: { initialInterval: '200 ms' } } as const;
    const { handle } = await run(answer, options);
    expect(await handle.result()).toMatchObject({ status: 'READY' });
  });

  test('fails at once when a reply matches `fail`', async () => {
    const answer = (count: number): DiskReply => (count < 2 ? CREATING : { status: 'ERROR', tags: ['broken'] });
    const options = {
      match: { status: 'READY' },
      fail: { status: 'ERROR' },
      poll: { initialInterval: '200 ms' },
    } as const;
    const { handle, diskId } = await run(answer, options);
    expect(await failureOf(handle.result())).toMatchObject({
      type: 'ResourceConditionFailed',
      method: get.path,
      reply: { status: 'ERROR', tags: ['broken'] },
      message: `disks DiskService/Get ${diskId} matches \`fail\` (status ERROR), and status READY was wanted`,
    });
  });

  test('returns when the resource is absent, if that is what it waits for', async () => {
    const answer = (count: number): DiskReply => {
      if (count === 3) throw status('NOT_FOUND');
      return READY;
    };
    const { handle, diskId } = await run(answer, { match: 'absent', poll: { initialInterval: '200 ms' } });
    expect((await handle.result()) ?? undefined).toBeUndefined();
    expect(environment.disks.callsFor(diskId)).toHaveLength(3);
  });

  test('times out, and tells what it last saw and what it wanted', async () => {
    const { handle, diskId } = await run(() => CREATING, { match: { status: ['READY', 'ERROR'] }, timeout: '2 s' });
    expect(await failureOf(handle.result())).toMatchObject({
      type: 'ResourceConditionTimedOut',
      reply: { status: 'CREATING' },
      message: `disks DiskService/Get ${diskId} did not match within 2 s: status CREATING, wanted READY or ERROR`,
    });
  });

  test('ends at once as cancelled when it is cancelled', async () => {
    const { handle, diskId } = await run(() => CREATING, { match: { status: 'READY' } });
    await untilSo(() => environment.disks.callsFor(diskId).length > 0);
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect((await handle.describe()).status.name).toBe('CANCELLED');
  });

  test('fails at once when its first poll is refused', async () => {
    const { handle, diskId } = await run(
      () => {
        throw status('PERMISSION_DENIED');
      },
      { match: { status: 'READY' } },
    );
    expect(await failureOf(handle.result())).toMatchObject({
      type: 'OperationServiceError',
      codeName: 'PERMISSION_DENIED',
    });
    expect(environment.disks.callsFor(diskId)).toHaveLength(1);
  });

  test('waits out a refusal after the first reply', async () => {
    const answer = (count: number): DiskReply => {
      if (count === 2) throw status('PERMISSION_DENIED');
      return count === 1 ? CREATING : READY;
    };
    const { handle } = await run(answer, { match: { status: 'READY' }, poll: { initialInterval: '200 ms' } });
    expect(await handle.result()).toMatchObject({ status: 'READY' });
  });

  test('goes on through transient errors', async () => {
    const answer = (count: number): DiskReply => {
      if (count < 3) throw status(count === 1 ? 'UNAVAILABLE' : 'RESOURCE_EXHAUSTED');
      return READY;
    };
    const { handle } = await run(answer, { match: { status: 'READY' }, poll: { initialInterval: '200 ms' } });
    expect(await handle.result()).toMatchObject({ status: 'READY' });
  });
});

test('takes 11 events while the worker watches, and of any length by activity retry', async () => {
  const counts = await Promise.all(
    [{ by: 'timer', initialInterval: '200 ms' } as const, { by: 'activityRetry', ...LONG } as const].map(
      async (poll) => {
        const diskId = newDisk();
        environment.disks.on(diskId, (count) => (count < 3 ? CREATING : READY));
        const handle = await begin('activityRetry', diskId, { match: { status: 'READY' }, poll });
        await handle.result();
        return eventsBesideTasks(handle);
      },
    ),
  );
  expect(counts).toEqual([5, 5]);
});

test('an operation scope cancels a wait for a reply that is left open', async () => {
  const diskId = newDisk();
  environment.disks.on(diskId, () => CREATING);
  const args: Parameters<typeof untilLeftOpen> = [get.path, { diskId }];
  expect(await environment.client.workflow.execute(untilLeftOpen, { ...environment.workflow(), args })).toBe(
    'cancelled',
  );
});
