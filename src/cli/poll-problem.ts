import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { fieldsOf } from '../model/check';
import { GET_ACTIVITY } from '../model/names';
import type { ShownOperation } from '../model/snapshot';
import { statusText } from '../model/texts';
import { decoded } from './payloads';

/** Why an operation is not polled now. Times are RFC 3339. */
export interface PollProblem {
  message: string;
  since?: string;
  nextPollAt?: string;
}

/** Whether the state comes from a poll. Before its first poll, a wait answers with a placeholder. */
export function isSeen({ cloud: _c, id: _i, state, pollError: _e, ...rest }: ShownOperation): boolean {
  return state !== 'running' || Object.keys(rest).length > 0;
}

/** `PERMISSION_DENIED: no role, since …; next poll at …` */
export function problemText({ message, since, nextPollAt }: PollProblem): string {
  return `${message}${since === undefined ? '' : `, since ${since}`}; ${nextPollAt === undefined ? 'the next poll is under way' : `next poll at ${nextPollAt}`}`;
}

/** The refusal that the wait reports. */
export function toldProblem({ pollError }: ShownOperation): PollProblem | undefined {
  if (!pollError) return undefined;
  const { since, nextPollAt } = pollError;
  return { message: statusText(pollError), since, ...(nextPollAt !== undefined && { nextPollAt }) };
}

type PendingActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** Why the last attempt of a pending poll could not poll, if so. The workflow learns of it only later. */
export async function pendingProblem(
  client: Client,
  { workflowId, raw }: WorkflowExecutionDescription,
): Promise<PollProblem | undefined> {
  for (const pending of raw.pendingActivities ?? []) {
    if (pending.activityType?.name !== GET_ACTIVITY || !pending.lastFailure) continue;
    const message = await failureMessage(client, workflowId, pending);
    // An attempt that polled successfully and will poll again ends with this message.
    if (/^\S+ operation .* is (running|rolling back|being polled)/s.test(message)) continue;
    const nextMs = millis(pending.nextAttemptScheduleTime) ?? millis(pending.scheduledTime);
    const isDue = nextMs !== undefined && nextMs > Date.now();
    return {
      // The interval in the message is redundant next to the time.
      message: message.replace(/, next poll in \d+ \w+$/, ''),
      ...(isDue && { nextPollAt: new Date(nextMs).toISOString() }),
    };
  }
  return undefined;
}

/** The failure's message, decoded if a failure converter has encoded it. */
async function failureMessage(client: Client, workflowId: string, pending: PendingActivity): Promise<string> {
  const { message, encodedAttributes } = pending.lastFailure ?? {};
  if (!encodedAttributes) return message ?? 'no message';
  const { namespace } = client.options;
  const activityId = pending.activityId ?? '';
  const payloads: Payload[] = [encodedAttributes];
  const context = { type: 'activity' as const, namespace, workflowId, activityId, isLocal: false };
  const [attributes] = await decoded(client, payloads, context);
  const { message: decodedMessage } = fieldsOf(attributes);
  return typeof decodedMessage === 'string' ? decodedMessage : 'no message';
}

function millis(time: PendingActivity['scheduledTime']): number | undefined {
  return time ? Number(time.seconds) * 1000 + (time.nanos ?? 0) / 1e6 : undefined;
}
