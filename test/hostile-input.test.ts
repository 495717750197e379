import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import fc from 'fast-check';
import { iamToken } from 'temporal-lro';
import { FakeCloud } from 'temporal-lro/testing';
import { createActivities } from '../activities';
import { Cloud } from '../src/cloud/cloud';
import { resolveWaitOptions } from '../src/model/options';
import { newToken, startSink } from './support/guarded-cloud';
import { PROTO_DIRECTORY } from './support/proto';

const { schedule } = resolveWaitOptions();

const SEED = 20261125;
const RUNS = 10_000;

/** A worker's activities, called with any JSON. */
test('10,000 hostile inputs cause no connection but to the configured cloud', async () => {
  const sink = await startSink();
  const fake = await FakeCloud.start();
  const token = newToken();
  const options = { endpoint: fake.address, plaintext: true, credentials: iamToken(token) };
  const cloud = new Cloud('yandex', { ...options, descriptors: [join(PROTO_DIRECTORY, 'fakecloud.binpb')] });
  const { activities } = createActivities(new Map([['yandex', cloud]]), () => 0.5);
  try {
    const port = sink.address.split(':')[1] ?? '';
    const target = fc.constantFrom(
      sink.address,
      `localhost:${port}`,
      `http://${sink.address}/`,
      `https://user@${sink.address}`,
      `dns://${sink.address}/x`,
      `ipv4:${sink.address}`,
      `${fake.address}@${sink.address}`,
      `//${sink.address}/fakecloud.v1.NetworkService/Create`,
      `yandex\r\nhost: ${sink.address}`,
      `\u0000${sink.address}`,
    );
    const text = fc.oneof(
      target,
      fc.string(),
      fc.tuple(fc.string(), target, fc.string()).map((all) => all.join('')),
    );
    const member = fc.constantFrom(
      'endpoint',
      'address',
      'authority',
      'host',
      'headers',
      'services',
      'iamEndpoint',
      'proxy',
    );
    const extra = fc.dictionary(fc.oneof(member, text), text, { maxKeys: 3 });
    const cloudName = fc.oneof({ weight: 4, arbitrary: fc.constant('yandex') }, { weight: 1, arbitrary: text });
    const method = fc.oneof(
      {
        weight: 2,
        arbitrary: fc.constantFrom('fakecloud.v1.NetworkService/Create', '/fakecloud.v1.ClusterService/Create'),
      },
      { weight: 1, arbitrary: text },
    );
    const input = fc.oneof(
      fc.record({
        verb: fc.constantFrom('operation.get' as const, 'operation.cancel' as const),
        cloud: cloudName,
        operationId: text,
        extra,
      }),
      fc.record({
        verb: fc.constant('operation.start' as const),
        cloud: cloudName,
        method,
        request: extra,
        idempotencyKey: text,
        extra,
      }),
    );
    let calls = 0;
    await fc.assert(
      fc.asyncProperty(input, async ({ verb, extra: more, ...given }) => {
        calls++;
        const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
        const json = { ...more, startedAtMs: Date.now(), schedule, typed: false, ...given };
        await environment.run(bound(activities, verb), json).catch(() => undefined);
      }),
      { seed: SEED, numRuns: RUNS },
    );
    const reached = fake.calls.length;
    process.stdout.write(
      `${calls} inputs, ${reached} calls of the cloud, ${sink.connections()} connections to the sink\n`,
    );
    expect(calls).toBe(RUNS);
    // Shows that the inputs reached the activities and had an effect.
    expect(reached).toBeGreaterThan(1_000);
    expect(sink.connections()).toBe(0);
  } finally {
    cloud.close();
    await fake.close();
    await sink.close();
  }
}, 60_000);

/** An activity, called with arguments that its type does not allow. */
function bound(activities: object, verb: string): (input: object) => Promise<unknown> {
  const activity: unknown = Reflect.get(activities, verb);
  if (typeof activity !== 'function') throw new Error(`There is no ${verb}`);
  return (input) => Promise.resolve<unknown>(Reflect.apply(activity, undefined, [input]));
}
