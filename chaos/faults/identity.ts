import { statusCode } from '../../src/model/snapshot';
import { setTimeout as sleep } from 'node:timers/promises';
import { CallFailure } from '../../src/testing/server';
import { placesOf, type Fault } from './fault';

/** The token service fails or does not answer. */
export const tokenOutage: Fault = (scene, plan) => {
  const places = placesOf(scene, plan);
  const hangs = scene.random.chance(0.5);
  for (const { guard } of places) {
    guard.before = async ({ path, signal }) => {
      if (!path.endsWith('/Create')) return;
      if (hangs) await sleep(plan.forMs, undefined, { signal }).catch(() => undefined);
      throw new CallFailure(statusCode('UNAVAILABLE'), 'The token service is away');
    };
  }
  return Promise.resolve(() => places.forEach(({ guard }) => (guard.before = () => undefined)));
};

/** Let a token be renewed before the next one is revoked: the worker takes two refused tokens for a refused key. */
const REVOKE_AFTER_MS = 2_000;

export const revokeTokens: Fault = async (scene, plan) => {
  const revoked = placesOf(scene, plan).map(({ guard: { tokens } }) => ({ tokens, former: [...tokens] }));
  await sleep(Math.min(REVOKE_AFTER_MS, plan.forMs));
  for (const { tokens, former } of revoked) for (const token of former) tokens.delete(token);
  return () => undefined;
};

/** The endpoint list and the token service are down when a worker starts, which needs both. */
export const discoveryOutage: Fault = async (scene, plan) => {
  const places = placesOf(scene, plan);
  const fault = scene.random.pick(['refused', 'reset', 'silentNew']);
  for (const { toGuard } of places) await toGuard.spoil(fault);
  const replaced = Promise.all(places.map(({ worker }) => worker.replace('SIGKILL')));
  replaced.catch(() => undefined);
  return async () => {
    for (const { toGuard } of places) await toGuard.heal();
    await replaced;
  };
};

/**
 * Steps the clocks of a worker and its token service together: a key cannot be used on a machine with a wrong clock.
 */
export const clockStep: Fault = (scene, plan) => {
  const places = placesOf(scene, plan);
  const step = (offsetMs: number): void => {
    for (const { worker, guard } of places) {
      worker.setClockOffset(offsetMs);
      guard.now = () => Date.now() + offsetMs;
    }
  };
  step(plan.stepMs);
  return Promise.resolve(() => step(0));
};
