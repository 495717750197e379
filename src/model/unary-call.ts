import type { Duration } from '@temporalio/common';
import { shortMethod } from './start-texts';
import type { JsonObject, OperationStatus, ValueProblem } from './snapshot';
import type { ShownResource } from './match';
import { durationText, plain, resourceOf, shortId, statusText, summary } from './texts';

/** Options and texts of calls to methods that start no operation. */

/** How to call a method. */
export interface UnaryCallOptions {
  /** How long to retry after transient errors, by Temporal's clock. @default 1 min */
  timeout?: Duration;
}

/** How the names of methods that only read begin. "Listen" is no such name. */
const READS = /^(?:Get|List|Search|Check|Read|Lookup)(?![a-z])/;

/** Whether the name of a method, or of the method at a path, says that it changes nothing. */
export function namesRead(method: string): boolean {
  return READS.test(method.slice(method.lastIndexOf('/') + 1));
}

/** `ClusterService/Get c9q…`: the method and the resource that the request names. */
export function callSummary(method: string, request: JsonObject): string {
  const { name } = request;
  const resource = typeof name === 'string' && name !== '' ? name : resourceOf(request);
  return summary(resource === undefined ? shortMethod(method) : `${shortMethod(method)} ${shortId(resource)}`);
}

/** `yandex ClusterService/Get c9q…` */
export function resourceName(cloud: string, method: string, request: JsonObject): string {
  return `${cloud} ${callSummary(method, request)}`;
}

/** `yandex ClusterService/Get` */
export function callName(cloud: string, method: string): string {
  return `${cloud} ${shortMethod(method)}`;
}

/** Added to an error if an attempt may have changed something in the cloud unseen. */
export const OUTCOME_UNKNOWN_TEXT =
  'The outcome is unknown, since an attempt may have taken effect: look at the resource before you repeat the call';

/** Why a call failed after its timeout. */
export function notAnsweredText(
  cloud: string,
  method: string,
  timeoutMs: number,
  last: Pick<OperationStatus, 'codeName' | 'message'>,
): string {
  return `${callName(cloud, method)} did not succeed within ${durationText(timeoutMs)}. The last error was ${statusText(last)}`;
}

/** Which values of a reply are null because canonical JSON cannot express them. */
export function problemsText(cloud: string, method: string, problems: readonly ValueProblem[]): string {
  const listed = problems.slice(0, 3).map(({ path, problem }) => `${path} (${problem})`);
  const more = problems.length > listed.length ? ` and ${problems.length - listed.length} more` : '';
  return `The reply of ${callName(cloud, method)} has values without canonical JSON, which are null: ${listed.join(', ')}${more}`;
}

/** The summary of an activity that polls until a reply matches. `seen` is what the last reply showed. */
export function untilSummary(reading: string, wanted: string, seen: string | undefined, poll: number): string {
  return summary(reading, seen ?? `wanted ${wanted}`, poll > 1 ? `poll ${poll}` : '');
}

/** The summary of the timer between two such polls. The timeline shows nothing else, so what changes comes early. */
export function untilTimerSummary(reading: string, shows: string, intervalMs: number): string {
  return summary(shows, `next poll in ${durationText(intervalMs)}`, reading);
}

/** Why a wait for a reply timed out. `problem` is why the last poll failed. */
export function notMatchedText(name: string, timeoutMs: number, shows: string, problem?: string): string {
  const text = `${name} did not match within ${durationText(timeoutMs)}: ${shows}`;
  return problem === undefined ? text : `${text}. A last poll failed: ${problem}`;
}

/** Markdown for the current details of a workflow that waits for a reply. */
export function resourceDetails({
  cloud,
  reading,
  state,
  wanted,
  seen,
  lastPolledAt,
  pollError,
}: ShownResource): string {
  const shows = state === 'matched' ? `matched ${wanted}` : (seen ?? `not polled yet, wanted ${wanted}`);
  const lines = [
    `**${plain(reading)}: ${plain(shows, 400)}**`,
    '',
    ...(pollError ? [`- **Polls are refused** since ${pollError.since}: ${plain(statusText(pollError), 300)}`] : []),
    ...(pollError?.nextPollAt === undefined ? [] : [`- Next poll ${pollError.nextPollAt}`]),
    `- Cloud ${plain(cloud)}`,
    ...(lastPolledAt === undefined ? [] : [`- Last polled ${plain(lastPolledAt)}`]),
  ];
  return lines.join('\n');
}
