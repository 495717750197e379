import { OperationServiceError, serviceAccountKey, type CloudOptions } from 'temporal-lro';
import { CONNECTION_LIMITS } from '../../src/transport/connection';
import { authorizedKey, GuardedCloud } from '../support/guarded-cloud';
import type { Relay } from '../support/relay';
import { Scene, untilServed } from './scene';

const key = authorizedKey();
const scene = new Scene();
let cloud: GuardedCloud;
beforeAll(async () => (cloud = await GuardedCloud.start(key.publicKey)));
afterAll(async () => {
  await scene.end();
  await cloud.close();
});

/**
 * Measures how long a poll takes to be served when one of the cloud's services is behind a relay, and what the relay
 * saw.
 */
async function servedAfter(
  behindRelay: (relay: string) => CloudOptions,
  spoil: 'silent at first' | 'half-open',
): Promise<{ ms: number; connections: number }> {
  const isSilentAtFirst = spoil === 'silent at first';
  const between: Relay = await scene.relay(cloud.address, { isSilent: (nth) => isSilentAtFirst && nth === 1 });
  const client = scene.client({ credentials: serviceAccountKey(key.file), ...behindRelay(between.address) });
  if (!isSilentAtFirst) {
    await client.get('running');
    between.stallOpen();
  }
  const since = performance.now();
  await untilServed(() => client.get('running'));
  return { ms: performance.now() - since, connections: between.connections() };
}

// No other test waits for the real limits; this one waits for all of them at once.
test('with the default limits polls are served within 30 s, and a token provider that hangs is given up', async () => {
  const { file } = key;
  const served = Promise.all([
    servedAfter((endpoint) => ({ endpoint }), 'silent at first'),
    servedAfter((endpoint) => ({ endpoint, requestTimeout: '30 s' }), 'silent at first'),
    servedAfter((endpoint) => ({ endpoint }), 'half-open'),
    servedAfter((endpoint) => ({ endpoint, requestTimeout: '30 s' }), 'half-open'),
    servedAfter(
      (iamEndpoint) => ({
        endpoint: cloud.address,
        credentials: serviceAccountKey(file, { iamEndpoint, plaintext: true }),
      }),
      'silent at first',
    ),
    // The cloud lists its own endpoint.
    servedAfter((discovery) => ({ discovery }), 'silent at first'),
  ]);
  const silent = { getToken: () => new Promise<{ token: string }>(() => undefined) };
  const err: unknown = await scene
    .client({ endpoint: cloud.address, credentials: silent })
    .get('running')
    .catch((reason: unknown) => reason);
  if (!(err instanceof OperationServiceError)) throw err;
  expect(err).toMatchObject({ codeName: 'UNAVAILABLE', rawMessage: 'no token: no answer within 10 s' });
  for (const { ms, connections } of await served) {
    expect(ms).toBeLessThan(30_000);
    expect(connections).toBe(2);
  }
});

test('a connection sends at most three pings without receiving anything, which no server closes it for', () => {
  const { replyMs, pingAfterMs } = CONNECTION_LIMITS;
  const longestCallMs = 30_000;
  expect(Math.floor((replyMs + longestCallMs) / pingAfterMs) + 1).toBeLessThanOrEqual(3);
});
