import { placesOf, type Fault } from './fault';

/** Kills workers. Others replace them at once, as in a deployment. */
export function killWorkers(signal: 'SIGKILL' | 'SIGTERM'): Fault {
  return (scene, plan) => {
    const replaced = Promise.all(placesOf(scene, plan).map(({ worker }) => worker.replace(signal)));
    replaced.catch(() => undefined);
    return Promise.resolve(async () => void (await replaced));
  };
}

/** Suspends workers with their connections open. They resume later as if no time had passed. */
export const stopWorkers: Fault = (scene, plan) => {
  const goOn = placesOf(scene, plan).map(({ worker }) => worker.suspend());
  return Promise.resolve(() => goOn.forEach((resume) => resume()));
};

export const killServer: Fault = async ({ temporal }) => {
  await temporal.kill();
  return () => temporal.restart();
};
