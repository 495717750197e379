import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves when it is so. It is asked often, but leaves the machine to what it waits for. */
export async function until(isSo: () => boolean | Promise<boolean>, everyMs = 10): Promise<void> {
  while (!(await isSo())) await sleep(everyMs);
}
