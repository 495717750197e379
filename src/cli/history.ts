import type { Client } from '@temporalio/client';
import type { Payload, SerializationContext } from '@temporalio/common';
import { fieldsOf } from '../model/check';
import { CANCEL_ACTIVITY, GET_ACTIVITY, START_ACTIVITY } from '../model/names';
import { decoded, foreignEncoding, needsConverter } from './payloads';

/** A run of a workflow; the latest run if `runId` is left out. */
export interface Run {
  workflowId: string;
  runId?: string;
}

type HistoryRequest = Parameters<Client['workflowService']['getWorkflowExecutionHistory']>[0];
type HistoryEvent = NonNullable<
  NonNullable<Awaited<ReturnType<Client['workflowService']['getWorkflowExecutionHistory']>>['history']>['events']
>[number];

/** Yields the events of a run from its beginning, page by page. */
export async function* eventsOf(
  client: Client,
  { workflowId, runId }: Run,
  pageSize = 0,
): AsyncGenerator<HistoryEvent> {
  const { namespace } = client.options;
  const request: HistoryRequest = {
    namespace,
    execution: { workflowId, ...(runId !== undefined && { runId }) },
    maximumPageSize: pageSize,
  };
  do {
    const { history, nextPageToken } = await client.workflowService.getWorkflowExecutionHistory(request);
    yield* history?.events ?? [];
    request.nextPageToken = nextPageToken;
  } while (request.nextPageToken && request.nextPageToken.length > 0);
}

/** An operation found in a history. */
interface HistoryOperation {
  cloud: string;
  id: string;
  /** Whether the history contains the operation's end. */
  ended: boolean;
}

/** What a run's history says about the operations that the run started or awaited. */
export interface RunOperations {
  operations: HistoryOperation[];
  /** The cloud in the input of our workflow types, known even before an operation is started. */
  cloud?: string;
  /** The run from which this one continued as new. */
  formerRunId?: string;
  /** How many of our payloads the data converter could not decode. */
  unreadable: number;
}

/**
 * Reads which operations a run started or awaited, from at most `maximumEvents` events. Skips operations that only
 * conflicted with a start, and those that the run polled only once. Throws a CommandError for encoded payloads if the
 * client has no codec.
 */
export async function operationsOf(client: Client, run: Run, maximumEvents = Infinity): Promise<RunOperations> {
  const reader = new Reader(client, run.workflowId);
  let count = 0;
  for await (const event of eventsOf(client, run)) {
    await reader.read(event);
    if (++count >= maximumEvents) break;
  }
  return reader.result();
}

/** A scheduled activity of ours. */
interface Scheduled {
  type: string;
  cloud: unknown;
  context: SerializationContext;
}

/** `claimed`: the operation is the workflow's own, even if it also conflicted with a start. */
type Seen = HistoryOperation & { claimed: boolean };

class Reader {
  readonly #operations = new Map<string, Seen>();
  readonly #inTheWay = new Set<string>();
  readonly #scheduled = new Map<string, Scheduled>();
  readonly #client: Client;
  readonly #workflowId: string;
  #cloud: string | undefined;
  #formerRunId: string | undefined;
  #unreadable = 0;

  constructor(client: Client, workflowId: string) {
    this.#client = client;
    this.#workflowId = workflowId;
  }

  result(): RunOperations {
    const ours = [...this.#operations].filter(([key, { claimed }]) => claimed || !this.#inTheWay.has(key));
    return {
      operations: ours.map(([, { cloud, id, ended }]) => ({ cloud, id, ended })),
      ...(this.#cloud !== undefined && { cloud: this.#cloud }),
      ...(this.#formerRunId !== undefined && { formerRunId: this.#formerRunId }),
      unreadable: this.#unreadable,
    };
  }

  async read(event: HistoryEvent): Promise<void> {
    const started = event.workflowExecutionStartedEventAttributes;
    if (started) {
      this.#formerRunId = started.continuedExecutionRunId || undefined;
      const type = started.workflowType?.name;
      if (type === 'awaitOperation' || type === 'executeOperation') await this.#readInput(started.input?.payloads);
    }
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) await this.#readScheduled(String(event.eventId), scheduled);
    const completed = event.activityTaskCompletedEventAttributes;
    if (completed) await this.#readCompleted(String(completed.scheduledEventId), completed.result?.payloads);
  }

  async #readInput(payloads: Payload[] | null | undefined): Promise<void> {
    const { namespace } = this.#client.options;
    const context: SerializationContext = { type: 'workflow', namespace, workflowId: this.#workflowId };
    const [input, continued] = await this.#decoded(payloads, context);
    const { cloud, operationId } = fieldsOf(input);
    if (typeof cloud !== 'string') return;
    this.#cloud = cloud;
    if (typeof operationId === 'string') this.#see(cloud, operationId).claimed = true;
    this.#seeSnapshot(fieldsOf(continued).operation, true);
  }

  async #readScheduled(
    eventId: string,
    { activityType, activityId, input }: NonNullable<HistoryEvent['activityTaskScheduledEventAttributes']>,
  ): Promise<void> {
    const type = activityType?.name;
    if (type !== GET_ACTIVITY && type !== CANCEL_ACTIVITY && type !== START_ACTIVITY) return;
    const { namespace } = this.#client.options;
    const workflowId = this.#workflowId;
    const context: SerializationContext = {
      type: 'activity',
      namespace,
      workflowId,
      activityId: activityId ?? '',
      isLocal: false,
    };
    const [value] = await this.#decoded(input?.payloads, context);
    const { cloud, operationId, by } = fieldsOf(value);
    this.#scheduled.set(eventId, { type, cloud, context });
    // Without `by`, the activity is a single poll of an operation that may belong to anybody.
    const isWait = type === GET_ACTIVITY && typeof by === 'string';
    if (isWait && typeof cloud === 'string' && typeof operationId === 'string') this.#see(cloud, operationId);
  }

  async #readCompleted(scheduledEventId: string, payloads: Payload[] | null | undefined): Promise<void> {
    const scheduled = this.#scheduled.get(scheduledEventId);
    if (!scheduled) return;
    this.#scheduled.delete(scheduledEventId);
    const [value] = await this.#decoded(payloads, scheduled.context);
    const { operation, conflictingOperationId } = fieldsOf(value);
    if (typeof conflictingOperationId === 'string' && typeof scheduled.cloud === 'string')
      this.#inTheWay.add(keyOf(scheduled.cloud, conflictingOperationId));
    this.#seeSnapshot(operation, scheduled.type === START_ACTIVITY);
  }

  #see(cloud: string, id: string): Seen {
    const key = keyOf(cloud, id);
    const seen = this.#operations.get(key) ?? { cloud, id, ended: false, claimed: false };
    this.#operations.set(key, seen);
    return seen;
  }

  /** `isOurs`: the run started the operation. For other operations, the snapshot only says whether they have ended. */
  #seeSnapshot(snapshot: unknown, isOurs: boolean): void {
    const { cloud, id, state } = fieldsOf(snapshot);
    if (typeof cloud !== 'string' || typeof id !== 'string') return;
    const seen = isOurs ? this.#see(cloud, id) : this.#operations.get(keyOf(cloud, id));
    if (!seen) return;
    seen.claimed ||= isOurs;
    seen.ended ||= state === 'succeeded' || state === 'failed';
  }

  async #decoded(payloads: Payload[] | null | undefined, context: SerializationContext): Promise<unknown[]> {
    try {
      return await decoded(this.#client, payloads, context);
    } catch {
      const encoding = foreignEncoding(payloads);
      if (encoding !== undefined && this.#client.options.loadedDataConverter.payloadCodecs.length === 0)
        throw needsConverter(`Workflow ${this.#workflowId} has payloads of the encoding ${encoding}`);
      // This payload may have another key or version, so other payloads may still be readable.
      this.#unreadable++;
      return [];
    }
  }
}

function keyOf(cloud: string, id: string): string {
  return JSON.stringify([cloud, id]);
}
