import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves when the condition is true. Checks it often, but leaves the machine time for the work that it waits for. */
export async function until(isSo: () => boolean | Promise<boolean>, everyMs = 10): Promise<void> {
  while (!(await isSo())) await sleep(everyMs);
}
