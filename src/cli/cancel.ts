import { attend, unknownWait, waitOf } from './attend';
import { comeBack } from './await';
import { withClient, type ConnectionOptions } from './connect';
import { createDisplay } from './display';
import { waitId } from './names';
import { COMPLETED_EXIT_CODE, DETACHED_EXIT_CODE, EXIT_CODES } from './outcome';

/** The options of a command about one wait. */
export interface WaitCommandOptions extends ConnectionOptions {
  cloud: string;
  json?: true;
}

/** Cancels a wait together with its operation, and shows the outcome. Resolves to the exit code. */
export async function runCancel(operationId: string, options: WaitCommandOptions): Promise<number> {
  const { cloud } = options;
  waitId(cloud, operationId);
  return withClient(options, async (client) => {
    const wait = waitOf(client, cloud, operationId);
    await wait.cancel().catch(unknownWait(cloud, operationId));
    const display = createDisplay(operationId, options);
    const left = comeBack(operationId, options);
    const outcome = await attend(client, wait, display, { comeBack: left, onInterrupt: 'detach' });
    if (outcome === 'detached') return DETACHED_EXIT_CODE;
    if (outcome.outcome === 'cancelled') return 0;
    return outcome.outcome === 'succeeded' ? COMPLETED_EXIT_CODE : EXIT_CODES[outcome.outcome];
  });
}
