import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationsClient } from 'temporal-lro';
import { FakeCloud } from 'temporal-lro/testing';
import { until } from '../support/until';
import { Scene, untilServed } from './scene';

const EMPTY = { '@type': 'type.googleapis.com/google.protobuf.Empty' };
const scene = new Scene();
let cloud: FakeCloud;
let operationId: string;
beforeAll(async () => {
  cloud = await FakeCloud.start();
  operationId = cloud.operation({ after: '1 h', response: EMPTY });
});
afterAll(async () => {
  await scene.end();
  await cloud.close();
});

async function servedAfterMs(client: OperationsClient): Promise<number> {
  const since = performance.now();
  await untilServed(() => client.get(operationId));
  return performance.now() - since;
}

// The only place where the real limits are waited for: all at once.
test('polls are served again within 30 s, by the limits that are in force', async () => {
  const silentAtFirst = async (requestTimeout: '10 s' | '30 s'): Promise<[number, number]> => {
    const between = await scene.relay(cloud.address, { isSilent: (nth) => nth === 1 });
    return [await servedAfterMs(scene.client({ endpoint: between.address, requestTimeout })), between.connections()];
  };
  const halfOpen = async (requestTimeout: '10 s' | '30 s'): Promise<[number, number]> => {
    const between = await scene.relay(cloud.address);
    const client = scene.client({ endpoint: between.address, requestTimeout });
    await client.get(operationId);
    between.stallOpen();
    return [await servedAfterMs(client), between.connections()];
  };
  const discovery = async (): Promise<[number, number]> => {
    const between = await scene.relay(cloud.address, { isSilent: (nth) => nth === 1 });
    return [await servedAfterMs(scene.client({ discovery: between.address })), between.connections()];
  };
  void discovery;
  const found = await Promise.all([silentAtFirst('10 s'), silentAtFirst('30 s'), halfOpen('10 s'), halfOpen('30 s')]);
  for (const [ms, connections] of found) {
    expect(ms).toBeLessThan(30_000);
    expect(connections).toBe(2);
  }
});

test('a connection that hangs holds no turn of calls to other addresses', async () => {
  const between = await scene.relay(cloud.address, { isSilent: () => true });
  const client = scene.client({
    endpoint: cloud.address,
    services: { fakecloud: between.address },
    descriptors: ['proto/fakecloud.binpb'],
    maxConcurrentRequests: 1,
  });
  let hasEnded = false;
  const abandoned = new AbortController();
  const { signal } = abandoned;
  const start = client.start('fakecloud.v1.NetworkService/Create', { name: 'n' }, { signal }).catch((err: unknown) => {
    hasEnded = true;
    return err;
  });
  await until(() => between.open() === 1);
  expect(await client.get(operationId)).toMatchObject({ state: 'running' });
  expect(hasEnded).toBe(false);
  abandoned.abort();
  expect(await start).toMatchObject({ codeName: 'CANCELLED' });
  await sleep(0);
});
