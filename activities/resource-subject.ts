import { ApplicationFailure } from '@temporalio/common';
import type { Called, PreparedCall } from '../src/cloud/call';
import { checkWanted, resourceJudge, seenText, type Wanted } from '../src/cloud/judge-resource';
import type { UntilInput, UntilResult } from '../src/model/contract';
import { callSummary } from '../src/model/unary-call';
import { unknownCloudText, type ActivityContext } from './context';
import type { Served, Subject } from './subject';

/** The reply of a reading method that a wait waits for. */
export function resourceSubject(context: ActivityContext, input: UntilInput): Subject<Called, UntilResult> {
  const { cloud, method, request } = input;
  const { served, wanted } = serve(context, input);
  return {
    ...resourceJudge(input, wanted),
    served,
    fields: { cloud, reading: callSummary(method, request) },
    // A reply may be large, and logs are not bounded.
    shown: () => ({}),
    withSeen({ reply }, atMs) {
      const seen = { seen: seenText(wanted.match, reply), atMs };
      return (result) => (result.outcome === 'refused' ? { ...result, refused: { ...result.refused, seen } } : result);
    },
    stateOf: ({ outcome }) => outcome,
  };
}

/** What is wanted, in canonical JSON unless this worker cannot serve the wait. */
function serve(context: ActivityContext, input: UntilInput): { served: Served<Called> | string; wanted: Wanted } {
  const { cloud: name, method, request } = input;
  const cloud = context.clouds.get(name);
  if (!cloud) return { served: unknownCloudText(name, context), wanted: input };
  let call: PreparedCall;
  let wanted: Wanted;
  try {
    call = cloud.prepare(method, request);
    wanted = checkWanted(name, input, call, cloud.registry);
  } catch (err) {
    // Of a worker with other descriptors, which a wait that was served before waits out.
    if (err instanceof ApplicationFailure) return { served: err.message, wanted: input };
    throw err;
  }
  const key = JSON.stringify([name, call.path, JSON.stringify(request)]);
  const poll: Served<Called>['poll'] = (signal) =>
    cloud.call(call, { signal, isPoll: true }).then(
      (polled) => ({ polled }),
      (error: unknown) => ({ error }),
    );
  return { served: { cloud, key, changesBack: true, poll }, wanted };
}
