import { setCurrentDetails, setHandler } from '@temporalio/workflow';
import { UNTIL_OPTION_KEYS, type Match, type ShownResource } from '../src/model/match';
import { isNil, onlyKeys, plainObject } from '../src/model/check';
import { resolveWaitOptions, type WaitOptions } from '../src/model/options';
import type { JsonObject } from '../src/model/snapshot';
import { resourceDetails } from '../src/model/unary-call';
import { withCallerFailure } from './failures';
import { pollResource, resourceChanged, resourceQuery } from './messages';
import { ResourceWait } from './resource-wait';
import { ignore, runToEnd } from './run';
import { beginWait, continuedWait, type UntilState } from './state';
import { resolveResource } from './target';

type AwaitResourceInput = {
  cloud: string;
  /** The path of a reading method. */
  method: string;
  request: JsonObject;
  match: Match<JsonObject> | 'absent';
  fail?: Match<JsonObject>;
  taskQueue?: string;
} & Pick<WaitOptions, 'timeout' | 'poll'>;

/**
 * Workflow type: calls a reading method until its reply matches, and returns that reply; nothing if `match` is
 * `'absent'`. For parents in other languages, and for waits that run as workflows of their own; in TypeScript workflows,
 * use `until`. Fails as it does. Continues as new before its history grows long.
 */
export function awaitResource(input: AwaitResourceInput): Promise<JsonObject | undefined>;
export async function awaitResource(input: AwaitResourceInput, continued?: unknown): Promise<JsonObject | undefined> {
  let shown = (): ShownResource => ({ cloud: input.cloud, reading: '', state: 'waiting', wanted: '' });
  setHandler(resourceQuery, () => shown(), { description: 'What the wait wants, and what it last saw' });
  return withCallerFailure(input, async () => {
    const onPoll = (): void => setCurrentDetails(resourceDetails(shown()));
    const state: UntilState = { ...(isNil(continued) ? beginWait() : continuedWait(continued)), onPoll };
    const { cloud, method, request, match, fail, taskQueue, ...options } = plainObject('input', input);
    onlyKeys('', options, UNTIL_OPTION_KEYS);
    const target = resolveResource(cloud, method, request, { match, fail }, taskQueue);
    const wait = new ResourceWait(target, resolveWaitOptions(options), state, 'continueAsNew');
    shown = () => wait.shown();
    setHandler(pollResource, () => withCallerFailure(input, () => wait.lookNow()), {
      description: 'Poll the resource now, and answer with its reply',
    });
    setHandler(resourceChanged, () => wait.lookSoon().catch(ignore), {
      description: 'The resource may have changed: poll it now',
    });
    return runToEnd(wait, input);
  });
}
