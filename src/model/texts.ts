import { utf8Bytes } from './bounds';
import { operationProgress, progressText } from './progress';
import { redact } from './redact';
import type { JsonObject, OperationSnapshot, OperationStatus, ShownOperation } from './snapshot';

/**
 * Texts for the Temporal UI, terminals, logs and errors. Pure functions. Each text stays within the server's bounds (a
 * summary over 400 bytes would fail the workflow task forever) and contains no secrets.
 */

const MAXIMUM_STATUS_LENGTH = 1000;
const MAXIMUM_SUMMARY_BYTES = 200;
/** The UI shows about 80 characters of a title. */
const MAXIMUM_TITLE_LENGTH = 80;
/** Yandex Cloud's ids have 20 characters; longer ids are recognisable by their beginning. */
const MAXIMUM_SHORT_ID_LENGTH = 24;
/** Current details are carried in a URL. */
const MAXIMUM_DETAILS_BYTES = 1500;
const MAXIMUM_METADATA_BYTES = 600;

function cut(text: string, length: number): string {
  const characters = [...text];
  return characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : text;
}

/** Truncates without splitting a character. */
function cutBytes(text: string, limit: number): string {
  if (utf8Bytes(text) <= limit) return text;
  let kept = '';
  let size = utf8Bytes('…');
  for (const character of text) {
    size += utf8Bytes(character);
    if (size > limit) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Joins the parts to one line, within the server's bound for summaries. */
export function summary(...parts: string[]): string {
  return cutBytes(redact(parts.filter((part) => part !== '').join(' · ')), MAXIMUM_SUMMARY_BYTES);
}

export function shortId(operationId: string): string {
  return cut(operationId, MAXIMUM_SHORT_ID_LENGTH);
}

/** The id of the resource that metadata or a request names: the first field whose name ends in `Id`, or `target`. */
export function resourceOf(metadata: JsonObject | undefined): string | undefined {
  const named = Object.entries(metadata ?? {}).filter(([, value]) => typeof value === 'string' && value !== '');
  const [, id] = named.find(([name]) => /Id$/.test(name)) ?? named.find(([name]) => name === 'target') ?? [];
  return typeof id === 'string' ? cut(id, 100) : undefined;
}

/** The id of the resource that an operation works on. */
export function resourceOfOperation(operation: Pick<OperationSnapshot, 'resourceId' | 'metadata'>): string | undefined {
  const { resourceId, metadata }: { resourceId?: unknown; metadata?: JsonObject } = operation;
  return typeof resourceId === 'string' && resourceId !== '' ? cut(resourceId, 100) : resourceOf(metadata);
}

type Subject = Pick<OperationSnapshot, 'description' | 'metadata' | 'resourceId'>;

/** `Create cluster pg-prod`: the action and the resource, as far as the operation names them. */
function subject(operation: Subject): string | undefined {
  const { description } = operation;
  const resource = resourceOfOperation(operation);
  const isNamed = resource === undefined || description?.includes(resource);
  const about = isNamed ? description : `${description ?? 'on'} ${resource}`;
  return about && redact(about);
}

/** `Create cluster pg-prod (fcm…)`: a summary that stands alone. `Operation (fcm…)` if nothing more is known. */
export function operationTitle(operation: Pick<OperationSnapshot, 'id'> & Subject): string {
  const id = `(${shortId(operation.id)})`;
  const about = cut(subject(operation) ?? 'Operation', MAXIMUM_TITLE_LENGTH - id.length - 1);
  return summary(`${about} ${id}`);
}

/** `yandex operation fcm… (Create cluster)` */
export function operationName(cloud: string, operationId: string, about?: string): string {
  const id = operationId === '' ? 'without an id' : cut(operationId, 100);
  return `${cloud} operation ${id}${about ? ` (${cut(about, 256)})` : ''}`;
}

/** The name of an operation with its action and resource. */
export function nameOf(operation: OperationSnapshot): string {
  return operationName(operation.cloud, operation.id, subject(operation));
}

/** `RESOURCE_EXHAUSTED: The limit … has been exceeded` */
export function statusText(status: Pick<OperationStatus, 'codeName' | 'message'>): string {
  return `${status.codeName}: ${cut(redact(status.message || 'no message'), MAXIMUM_STATUS_LENGTH)}`;
}

/** `running, 40 % starting the control plane`, or the state with the error. */
export function stateText(operation: OperationSnapshot): string {
  switch (operation.state) {
    case 'running': {
      const progress = redact(progressText(operationProgress(operation)));
      return progress === '' ? 'running' : `running, ${progress}`;
    }
    case 'rollingBack':
      return `rolling back after ${statusText(operation.error)}`;
    case 'failed':
      return `failed, ${statusText(operation.error)}`;
    case 'succeeded':
      return 'succeeded';
  }
}

/** Why an operation is polled again. A pending activity shows nothing else of the operation. */
export function runningText(operation: OperationSnapshot): string {
  return `${nameOf(operation)} is ${stateText(operation)}`;
}

/** Why an operation failed, for the message of a failure. */
export function endedText(operation: OperationSnapshot & { state: 'failed' | 'rollingBack' }): string {
  const verb = operation.state === 'rollingBack' ? 'failed and is being rolled back' : 'failed';
  return `${nameOf(operation)} ${verb}: ${statusText(operation.error)}`;
}

/** Why a wait timed out, and what happened to the operation. */
export function timedOutText(
  cloud: string,
  operationId: string,
  timeoutMs: number,
  seen: Seen,
  { cancel, lastLook }: TimedOut = {},
): string {
  const missed = `${nameOfSeen(cloud, operationId, seen)} did not end within ${durationText(timeoutMs)}`;
  if (cancel?.outcome === 'cancelled') return `${missed}, and was cancelled`;
  const unseen = lastLook === undefined ? '' : `, a last poll failed (${problemText(lastLook)})`;
  return `${missed}: it ${seenText(seen)}${unseen}, and ${cancel ? notCancelledText(cancel) : 'it goes on in the cloud'}`;
}

/** What happened when a wait timed out: the outcome of the cancellation, and why the last poll failed. */
export interface TimedOut {
  cancel?: { outcome: string } & NotCancelled;
  lastLook?: string;
}

/** The operation as last seen, if it was. */
type Seen = { operation?: OperationSnapshot; lastPolledAt?: string };

function nameOfSeen(cloud: string, operationId: string, { operation }: Seen): string {
  return operation ? nameOf(operation) : operationName(cloud, operationId);
}

function seenText({ operation, lastPolledAt }: Seen): string {
  if (!operation) return 'was never seen';
  return `was ${stateText(operation)} ${lastPolledAt ? `at ${lastPolledAt}` : 'when it was started'}`;
}

/**
 * Why an operation is not cancelled: the cloud `refused`, or the call failed (`problem`); neither if the cloud
 * accepted.
 */
export interface NotCancelled {
  refused?: OperationStatus;
  problem?: string;
  /** Why the last poll failed. */
  lastLook?: string;
}

function notCancelledText({ refused, problem, lastLook }: NotCancelled): string {
  const why = refused
    ? `the cloud refused to cancel it (${statusText(refused)})`
    : problem !== undefined
      ? `the cloud could not be asked to cancel it (${problemText(problem)})`
      : 'the cloud has not confirmed that it is cancelled';
  if (lastLook === undefined) return why;
  return `${why}, and a last poll failed${lastLook === problem ? ' as well' : ` (${problemText(lastLook)})`}`;
}

function problemText(problem: string): string {
  return cut(redact(problem), MAXIMUM_STATUS_LENGTH);
}

/** Why the caller was cancelled without seeing the operation end. */
export function stillRunningText(
  cloud: string,
  operationId: string,
  cancelTimeoutMs: number,
  seen: Seen,
  why: NotCancelled,
): string {
  const { operation } = seen;
  const isSeenNow = operation && why.lastLook === undefined;
  const [state, missed] = isSeenNow
    ? [`is still ${stateText(operation)}`, 'it did not end']
    : [seenText(seen), 'its end was not seen'];
  return `${nameOfSeen(cloud, operationId, seen)} ${state}: ${notCancelledText(why)}, and ${missed} within ${durationText(cancelTimeoutMs)}`;
}

/** Why a wait ended as cancelled. */
export function cancelledText(cloud: string, operationId: string, end: string): string {
  return `Wait cancelled; ${operationName(cloud, operationId)} ${end}`;
}

/** The summary of the activity that cancels. The UI shows the activity's type before it. */
export function cancelSummary(operationId: string): string {
  return summary(shortId(operationId));
}

/** The summary of an activity that polls an operation after a request to cancel it. */
export function cancelPollSummary(operation: Titled, poll: number, refused?: OperationStatus): string {
  const state = refused ? `cancel refused: ${refused.codeName}` : 'cancelling';
  return summary(titleOf(operation), state, `poll ${poll}`);
}

/** The summary of the timer that ends a wait. The timeline shows nothing else for a timer. */
export function deadlineSummary(operationId: string): string {
  return summary(shortId(operationId), 'timeout of the wait');
}

/**
 * The summary of an activity that polls. The UI shows the activity's type before it. The first one has no number: with
 * a watch or activity retries it may be the only activity of the wait.
 */
export function pollSummary(operation: Titled, poll: number): string {
  return summary(titleOf(operation), poll > 1 ? `poll ${poll}` : '');
}

type Titled = Pick<OperationSnapshot, 'id' | 'description' | 'metadata'>;

function titleOf(operation: Titled): string {
  return subject(operation) ? operationTitle(operation) : shortId(operation.id);
}

/** The summary of the timer between two polls. The timeline shows nothing else, so what changes comes early. */
export function timerSummary(operation: OperationSnapshot, intervalMs: number): string {
  const progress = progressText(operationProgress(operation));
  const state = operation.state === 'running' && progress !== '' ? progress : stateText(operation);
  return summary(shortId(operation.id), cutBytes(state, 120), `next poll in ${durationText(intervalMs)}`);
}

/** The summary of the timer before the retry of a refused poll. */
export function refusalSummary(operationId: string, codeName: string, delayMs: number): string {
  return summary(shortId(operationId), `${codeName}, waiting it out`, `next poll in ${durationText(delayMs)}`);
}

/** Markdown for the current details of a workflow that awaits the operation, at most 1.5 kB to fit into a URL. */
export function currentDetails(operation: ShownOperation): string {
  const { cloud, createdAt, createdBy, modifiedAt, metadata, lastPolledAt, pollError } = operation;
  const began = [createdAt, createdBy && `by ${createdBy}`].filter(Boolean).join(' ');
  const lines = [
    `**${plain(subject(operation) ?? 'Operation')}: ${plain(lastPolledAt === undefined ? 'not polled yet' : stateText(operation), 400)}**`,
    '',
    ...(pollError ? [`- **Polls are refused** since ${pollError.since}: ${plain(statusText(pollError), 300)}`] : []),
    ...(pollError?.nextPollAt === undefined ? [] : [`- Next poll ${pollError.nextPollAt}`]),
    `- Operation ${plain(operation.id)} of ${plain(cloud)}`,
    ...(began === '' ? [] : [`- Began ${plain(began)}`]),
    ...(modifiedAt === undefined ? [] : [`- Modified ${plain(modifiedAt)}`]),
    ...(lastPolledAt === undefined ? [] : [`- Last polled ${plain(lastPolledAt)}`]),
  ];
  const head = cutBytes(lines.join('\n'), MAXIMUM_DETAILS_BYTES - MAXIMUM_METADATA_BYTES);
  if (!metadata) return head;
  const json = redact(JSON.stringify(metadata, withoutSecrets, 2));
  // A fence in the JSON would end the code block.
  return `${head}\n\n~~~json\n${cutBytes(json.replaceAll('~~~', '~ ~'), MAXIMUM_METADATA_BYTES - 20)}\n~~~`;
}

function withoutSecrets(name: string, value: unknown): unknown {
  return typeof value === 'string' && /password|secret|token|credential|privateKey/i.test(name) ? '…' : value;
}

/** A text from the cloud for Markdown: one line, with its markup escaped. */
export function plain(text: string, length = 120): string {
  return cut(redact(text).replace(/\s+/g, ' '), length).replace(/[\\`*_[\]<>#|]/g, '\\$&');
}

/** `850 ms`, `12 s`, `5 min`, `3 h` */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}
