import { checkMatch, MatchError } from '../descriptors/check-match';
import type { DescriptorRegistry } from '../descriptors/registry';
import { boundReply } from '../model/bounds';
import type { UntilInput, UntilResult } from '../model/contract';
import { isNotFoundFinal } from '../model/evidence';
import { configurationError, toApplicationFailure } from '../model/failure';
import { differenceText, matches, matchText, wantedText } from '../model/match';
import type { JsonObject } from '../model/snapshot';
import { statusText } from '../model/texts';
import { resourceName } from '../model/unary-call';
import { boundedReply, type Called, type PreparedCall } from './call';
import type { Judge } from './decide';

/** What a wait for a reply wants, in canonical JSON. */
export type Wanted = Pick<UntilInput, 'match' | 'fail'>;

/**
 * Checks what is wanted against the type of the reply. Throws an `OperationConfigurationError` for a method that does not
 * only read, or for a match that no reply can meet.
 */
export function checkWanted(
  cloud: string,
  { match, fail }: Wanted,
  { what, method, effect }: PreparedCall,
  registry: DescriptorRegistry,
): Wanted {
  if (effect !== 'read') {
    const rule =
      'until() calls a method many times, so its name must begin with Get, List, Search, Check, Read or Lookup';
    throw configurationError(
      cloud,
      `method: ${what} may change something: ${rule}, or its idempotency_level must be NO_SIDE_EFFECTS`,
    );
  }
  try {
    return {
      match: match === 'absent' ? match : checkMatch(method.output, match, registry),
      ...(fail && { fail: checkMatch(method.output, fail, registry, 'fail') }),
    };
  } catch (err) {
    if (err instanceof MatchError) throw configurationError(cloud, `${what}: ${err.message}`);
    throw err;
  }
}

/** What a reply shows that does not match. */
export function seenText(match: Wanted['match'], reply: JsonObject): string {
  return match === 'absent' ? 'present, wanted absent' : differenceText(match, reply);
}

/** Judges the replies of a reading method: the wait ends when one matches. */
export function resourceJudge(input: UntilInput, { match, fail }: Wanted): Judge<Called, UntilResult> {
  const { cloud, method } = input;
  const name = resourceName(cloud, method, input.request);
  return {
    input,
    name,
    judge({ reply, problems }, record) {
      if (fail && matches(fail, reply)) {
        const message = `${name} matches \`fail\` (${matchText(fail, reply)}), and ${wantedText(match)} was wanted`;
        const about = { cloud, method, message, details: [], reply: boundReply(reply) };
        throw toApplicationFailure({ type: 'ResourceConditionFailed', ...about });
      }
      if (match !== 'absent' && matches(match, reply)) {
        const result = boundedReply(cloud, name, { reply, problems });
        return { ended: { outcome: 'matched', ...result } };
      }
      const seen = seenText(match, reply);
      const shown = input.by === undefined ? { seen, reply: boundReply(reply) } : { seen };
      return { pending: { outcome: 'pending', record, ...shown }, message: `${name}: ${seen}` };
    },
    notFound({ codeName, rawMessage, details }, record, ageMs) {
      if (match === 'absent') return { ended: { outcome: 'matched' } };
      const wanted = wantedText(match);
      const isAwaited = input.awaitsCreation === true && !record.known;
      if (isAwaited || !isNotFoundFinal(record, ageMs)) {
        const seen = `not found, wanted ${wanted}`;
        return { pending: { outcome: 'pending', record, seen }, message: `${name}: ${seen}` };
      }
      const why = statusText({ codeName, message: rawMessage });
      const message = record.known
        ? `${name} is gone (${why}), and ${wanted} was wanted`
        : `${name} was not found (${why}), and ${wanted} was wanted. If it is created later, give a timeout: until it is over, the wait continues`;
      return toApplicationFailure({ type: 'OperationNotFound', cloud, operationId: '', message, details });
    },
    refused: (refused) => ({ outcome: 'refused', refused }),
  };
}
