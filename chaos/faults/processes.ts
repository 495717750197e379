import { placesOf, type Fault } from './fault';

/** Others take their places at once, as a deployment does it. */
export function killWorkers(signal: 'SIGKILL' | 'SIGTERM'): Fault {
  return (scene, plan) => {
    const replaced = Promise.all(placesOf(scene, plan).map(({ worker }) => worker.replace(signal)));
    replaced.catch(() => undefined);
    return Promise.resolve(async () => void (await replaced));
  };
}

/** They hang, with their connections open, and go on later as if no time had passed. */
export const stopWorkers: Fault = (scene, plan) => {
  const goOn = placesOf(scene, plan).map(({ worker }) => worker.suspend());
  return Promise.resolve(() => goOn.forEach((resume) => resume()));
};

export const killServer: Fault = async ({ temporal }) => {
  await temporal.kill();
  return () => temporal.restart();
};
