import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { OperationFailure } from 'temporal-lro';
import { createActivities } from '../../activities';
import { yandexApi } from '../../src/apis/yandex';
import { Cloud } from '../../src/cloud/cloud';
import { DISK_DESCRIPTORS, DiskService, status } from '../support/disks';
import { until } from '../support/until';
import { failureOf, startDisks, type DiskEnvironment } from './environment';
import { call, callCancelled, callWith } from './workflows';

const { resize, touch } = DiskService;

let environment: DiskEnvironment;
beforeAll(async () => (environment = await startDisks()));
afterAll(() => environment.stop());

let disks = 0;
const newDisk = (): string => `disk-${++disks}`;

function result(...args: Parameters<typeof call>): Promise<unknown> {
  return environment.client.workflow.execute(call, { ...environment.workflow(), args });
}

/** The failure of a workflow. */
function failure(...args: Parameters<typeof call>): Promise<OperationFailure> {
  return failureOf(result(...args));
}

describe('a method that changes something', () => {
  test('is repeated with the same idempotency key after an unknown outcome', async () => {
    const diskId = newDisk();
    environment.disks.on(diskId, (count) => {
      if (count < 3) throw status('UNAVAILABLE');
      return { id: diskId };
    });
    await result(resize.path, { diskId, size: '7' });
    const keys = environment.disks.callsFor(diskId).map(({ key }) => key);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('has another key in each call', async () => {
    const diskId = newDisk();
    environment.disks.on(diskId, () => ({ id: diskId }));
    await result(resize.path, { diskId });
    await result(resize.path, { diskId });
    expect(new Set(environment.disks.callsFor(diskId).map(({ key }) => key)).size).toBe(2);
  });

  test('fails with an unknown outcome if its timeout expires after an attempt that may have taken effect', async () => {
    const diskId = newDisk();
    environment.disks.on(diskId, () => {
      throw status('INTERNAL');
    });
    const found = await failure(resize.path, { diskId }, { timeout: '2 s' });
    expect(found).toMatchObject({ type: 'OperationServiceError', codeName: 'INTERNAL' });
    expect(found.message).toMatch(/The outcome is unknown, since an attempt may have taken effect/);
  });

  test('fails with a known outcome if every attempt was refused for now', async () => {
    const diskId = newDisk();
    environment.disks.on(diskId, () => {
      throw status('RESOURCE_EXHAUSTED', 'too many requests');
    });
    const found = await failure(resize.path, { diskId }, { timeout: '2 s' });
    expect(found.message).toMatch(/RESOURCE_EXHAUSTED/);
    expect(found.message).not.toMatch(/unknown/);
  });

  test('fails with an unknown outcome if it is refused after an attempt that may have taken effect', async () => {
    const diskId = newDisk();
    environment.disks.on(diskId, (count) => {
      throw status(count === 1 ? 'UNAVAILABLE' : 'PERMISSION_DENIED');
    });
    const found = await failure(resize.path, { diskId });
    expect(found).toMatchObject({
      codeName: 'PERMISSION_DENIED',
      message: expect.stringMatching(/The outcome is unknown/) as string,
    });
  });

  test('is sent without a key if it is marked as idempotent', async () => {
    const diskId = newDisk();
    environment.disks.on(diskId, (count) => {
      if (count === 1) throw status('UNAVAILABLE');
      return { id: diskId };
    });
    await result(touch.path, { diskId });
    expect(environment.disks.callsFor(diskId).map(({ key }) => key)).toEqual([undefined, undefined]);
  });

  test('is awaited if its caller is cancelled while it is in flight', async () => {
    const diskId = newDisk();
    let answered = false;
    environment.disks.on(diskId, async () => {
      await until(() => answered);
      return { id: diskId, status: 'READY' };
    });
    const handle = await environment.client.workflow.start(callCancelled, {
      ...environment.workflow(),
      args: [resize.path, { diskId }, 500],
    });
    setTimeout(() => (answered = true), 2_000);
    expect((await handle.result())[0]).toBe('READY');
    expect(environment.disks.callsFor(diskId)).toHaveLength(1);
  });

  test('is cancelled with its caller if the cloud refuses the attempt in flight', async () => {
    const diskId = newDisk();
    let answered = false;
    environment.disks.on(diskId, async () => {
      await until(() => answered);
      throw status('PERMISSION_DENIED');
    });
    const args: Parameters<typeof callCancelled> = [resize.path, { diskId }, 500];
    setTimeout(() => (answered = true), 1_500);
    const [end] = await environment.client.workflow.execute(callCancelled, { ...environment.workflow(), args });
    expect(end).toMatch(/^cancelled: .*nothing was changed/);
  });

  test('is cancelled with its caller between two attempts, and tells that an attempt may have taken effect', async () => {
    const diskId = newDisk();
    environment.disks.on(diskId, () => {
      throw status('UNAVAILABLE', 'RetryInfo is missing');
    });
    const args: Parameters<typeof callCancelled> = [resize.path, { diskId }, 2_500];
    const [end] = await environment.client.workflow.execute(callCancelled, { ...environment.workflow(), args });
    expect(end).toMatch(/^cancelled: .*an attempt whose reply was lost may have taken effect/);
  });
});

describe('in a cloud without idempotency keys, a method that changes something', () => {
  const resizeDisk = (diskId: string): Promise<unknown> =>
    environment.client.workflow.execute(callWith, {
      ...environment.workflow(),
      args: ['unmarked', resize.path, { diskId }],
    });

  test('is not repeated after an unknown outcome, and fails with one', async () => {
    const diskId = newDisk();
    environment.disks.on(diskId, () => {
      throw status('UNAVAILABLE');
    });
    const found = await failureOf(resizeDisk(diskId));
    expect(found).toMatchObject({ type: 'OperationServiceError', codeName: 'UNAVAILABLE' });
    expect(found.message).toMatch(/The outcome is unknown, since an attempt may have taken effect/);
    expect(environment.disks.callsFor(diskId)).toHaveLength(1);
  });

  test('is repeated while the cloud refuses it for now', async () => {
    const diskId = newDisk();
    environment.disks.on(diskId, (count) => {
      if (count === 1) throw status('RESOURCE_EXHAUSTED', 'too many requests');
      return { id: diskId };
    });
    expect(await resizeDisk(diskId)).toMatchObject({ id: diskId });
  });

  test.each([
    ['leaves nothing', undefined],
    ['was preceded by an attempt that changed nothing', { attempt: 1, outcomeUnknown: false }],
  ])('is not repeated after an attempt that was lost and %s', async (_, heartbeatDetails) => {
    const diskId = newDisk();
    const { address: endpoint } = environment.disks;
    const api = { ...yandexApi, mark: () => undefined };
    const cloud = new Cloud('unmarked', { endpoint, plaintext: true, descriptors: [DISK_DESCRIPTORS], api });
    const { activities } = createActivities(new Map([['unmarked', cloud]]));
    const attempt = new MockActivityEnvironment(
      { attempt: 3, heartbeatDetails },
      { logger: new DefaultLogger('ERROR') },
    );
    const input = { cloud: 'unmarked', method: resize.path, request: { diskId }, idempotencyKey: 'key' };
    const found = await failureOf(attempt.run((given: typeof input) => activities['operation.call'](given), input));
    expect(found.message).toMatch(/an attempt was lost.*The outcome is unknown/);
    expect(environment.disks.callsFor(diskId)).toHaveLength(0);
    cloud.close();
  });
});
