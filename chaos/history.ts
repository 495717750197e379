import type { History, Payload } from '@temporalio/common/lib/proto-utils';
import { optionalTsToMs } from '@temporalio/common/lib/time';

type Event = NonNullable<History['events']>[number];
type Failure = NonNullable<NonNullable<Event['activityTaskFailedEventAttributes']>['failure']>;

/** How a workflow ended. */
export interface Close {
  status: 'completed' | 'failed' | 'canceled' | 'other';
  atMs: number;
  result?: unknown;
  /** The type, message and code of our failure, which may be any of the causes. */
  failure?: { type: string; message: string; code?: number };
}

/** What the checker needs to know about a workflow's latest run. Times are epoch milliseconds. */
export interface RunHistory {
  workflowId: string;
  startedAtMs: number;
  close?: Close;
  cancelRequestedAtMs?: number;
  /** Whether the run scheduled an activity or a child before cancellation was requested. */
  hadBegunWhenCancelled: boolean;
  activities: Activity[];
  /** Failed workflow tasks, except those with unhandled commands. */
  taskFailures: { atMs: number; cause: string }[];
  /** The events, one line each, for people. */
  lines: string[];
}

export interface Activity {
  type: string;
  scheduledAtMs: number;
  /** The event ID of the workflow task that scheduled the activity, which did not see later events. */
  decidedBy: number;
  /** When the activity completed, the ID of that event, and whether the operation in its result was done. */
  completed?: { atMs: number; event: number; isDone: boolean };
}

/** New events arrived while the workflow tried to close, so the server repeats the task. */
const UNHANDLED_COMMAND = 1;

export function readHistory(workflowId: string, { events }: History): RunHistory {
  const all = events ?? [];
  const run: RunHistory = {
    workflowId,
    startedAtMs: all[0] ? timeOf(all[0]) : 0,
    hadBegunWhenCancelled: false,
    activities: [],
    taskFailures: [],
    lines: all.map(lineOf),
  };
  const scheduled = new Map<number, Activity>();
  const startedBy = new Map<number, number>();
  for (const event of all) {
    const id = Number(event.eventId);
    const { workflowTaskCompletedEventAttributes: task, workflowTaskFailedEventAttributes: failed } = event;
    if (task) startedBy.set(id, Number(task.startedEventId));
    if (failed && Number(failed.cause) !== UNHANDLED_COMMAND) {
      const cause = `cause ${failed.cause}: ${failed.failure?.message ?? ''}`;
      run.taskFailures.push({ atMs: timeOf(event), cause });
    }
    const { activityTaskScheduledEventAttributes: begun, activityTaskCompletedEventAttributes: completed } = event;
    if (begun) {
      const decidedBy = startedBy.get(Number(begun.workflowTaskCompletedEventId)) ?? 0;
      const activity = { type: begun.activityType?.name ?? '', scheduledAtMs: timeOf(event), decidedBy };
      run.activities.push(activity);
      scheduled.set(id, activity);
    }
    const activity = completed && scheduled.get(Number(completed.scheduledEventId));
    if (activity) {
      const isDone = isDoneIn(jsonOf(completed.result?.payloads?.[0]));
      activity.completed = { atMs: timeOf(event), event: id, isDone };
    }
    if (event.workflowExecutionCancelRequestedEventAttributes) {
      run.cancelRequestedAtMs = timeOf(event);
      run.hadBegunWhenCancelled =
        run.activities.length > 0 || all.some((other) => other.startChildWorkflowExecutionInitiatedEventAttributes);
    }
  }
  const close = all.at(-1) && closeOf(all.at(-1) ?? {});
  return close ? { ...run, close } : run;
}

function closeOf(event: Event): Close | undefined {
  const atMs = timeOf(event);
  const {
    workflowExecutionCompletedEventAttributes: completed,
    workflowExecutionFailedEventAttributes: failed,
    workflowExecutionCanceledEventAttributes: canceled,
    workflowExecutionTerminatedEventAttributes: terminated,
    workflowExecutionTimedOutEventAttributes: timedOut,
  } = event;
  if (completed) return { status: 'completed', atMs, result: jsonOf(completed.result?.payloads?.[0]) };
  if (failed) return { status: 'failed', atMs, failure: failureIn(failed.failure) };
  if (canceled) return { status: 'canceled', atMs };
  return terminated || timedOut ? { status: 'other', atMs } : undefined;
}

function failureIn(failure: Failure | null | undefined): NonNullable<Close['failure']> {
  for (let at = failure; at; at = at.cause) {
    const info = at.applicationFailureInfo;
    if (!info?.type?.startsWith('Operation')) continue;
    const details = jsonOf(info.details?.payloads?.[0]);
    const code = typeof details === 'object' && details !== null && 'code' in details ? details.code : undefined;
    return { type: info.type, message: at.message ?? '', ...(typeof code === 'number' && { code }) };
  }
  return { type: 'none of ours', message: failure?.message ?? '' };
}

function jsonOf(payload: Payload | null | undefined): unknown {
  const text = payload?.data ? Buffer.from(payload.data).toString() : '';
  return text === '' ? undefined : JSON.parse(text);
}

/** Whether the operation in a result of operation.get, operation.cancel or operation.start is done. */
function isDoneIn(result: unknown): boolean {
  if (typeof result !== 'object' || result === null || !('operation' in result)) return false;
  const { operation } = result;
  if (typeof operation !== 'object' || operation === null || !('state' in operation)) return false;
  return operation.state === 'succeeded' || operation.state === 'failed';
}

function timeOf({ eventTime }: Event): number {
  return optionalTsToMs(eventTime) ?? 0;
}

/** The maximum length of an event's text in a line, in characters. */
const WORTH_TELLING = 300;

function lineOf(event: Event): string {
  const name = Object.entries(event).find(([key, value]) => key.endsWith('EventAttributes') && value)?.[0] ?? '?';
  const activity = event.activityTaskScheduledEventAttributes;
  const started = event.activityTaskStartedEventAttributes;
  const { failure } = event.activityTaskFailedEventAttributes ?? event.workflowTaskFailedEventAttributes ?? {};
  const close = closeOf(event);
  const told = [
    activity?.activityType?.name,
    activity && JSON.stringify(jsonOf(activity.input?.payloads?.[0])),
    started && `attempt ${started.attempt}`,
    started?.lastFailure && `after: ${started.lastFailure.message}`,
    failure && `${failure.message} ${failure.cause?.message ?? ''}`,
    close && JSON.stringify(close),
  ];
  const text = told.filter((one) => typeof one === 'string').join(', ');
  const at = new Date(timeOf(event)).toISOString();
  return `${at} ${name.replace(/EventAttributes$/, '')} ${text.slice(0, WORTH_TELLING)}`;
}
