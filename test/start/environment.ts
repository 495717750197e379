import type { WorkflowHandle } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import type { FakeCloud, Script } from 'temporal-lro/testing';
import type { JsonObject } from 'temporal-lro/workflow';
import { startEnvironment, type TestEnvironment } from '../support/environment';
import type { execute } from './workflows';

/** The method that tests start. */
export const CREATE = '/fakecloud.v1.ClusterService/Create';
const CANCEL = '/yandex.cloud.operation.OperationService/Cancel';

/** The replies of a method, which tests set by the name in the request, so that they do not affect each other. */
export class Replies {
  readonly #scripts = new Map<string, (started: number) => Script>();
  readonly #started = new Map<string, number>();

  constructor(cloud: FakeCloud, path = CREATE) {
    cloud.on({ path }).reply((request: JsonObject) => {
      const name = String(request.name);
      this.#started.set(name, this.startedOf(name) + 1);
      return this.#scripts.get(name)?.(this.startedOf(name)) ?? { response: cluster(name) };
    });
  }

  /** `script` gets the number of starts with that name, from 1. */
  of(name: string, script: (started: number) => Script): void {
    this.#scripts.set(name, script);
  }

  /** How often a start with that name ran its script; a repeated key does not run it again. */
  startedOf(name: string): number {
    return this.#started.get(name) ?? 0;
  }
}

export function cluster(name: string): { '@type': string; id: string; name: string } {
  return { '@type': 'fakecloud.v1.Cluster', id: `cluster-${name}`, name };
}

/** A worker whose workflows start operations, and what the tests observe. */
export interface StartEnvironment extends TestEnvironment {
  replies: Replies;
  /** Runs the workflow `execute` for a cluster of that name. */
  start(name: string, options?: object, defaults?: object): Promise<WorkflowHandle<typeof execute>>;
  /** `type • summary` of each activity of a run, and the summary of each timer, as the UI shows them. */
  timeline(run: { workflowId: string }): Promise<string[]>;
  /** The IDs of the operations that the cloud was asked to cancel while `work` ran. */
  cancelledIn(work: () => Promise<void>): Promise<string[]>;
}

export async function startStarts(worker: Partial<WorkerOptions> = {}): Promise<StartEnvironment> {
  const workflowsPath = require.resolve('./workflows');
  const environment = await startEnvironment({ worker: { workflowsPath, ...worker } });
  const { client, cloud, workflow } = environment;
  return {
    ...environment,
    replies: new Replies(cloud),
    start: (name, options = {}, defaults = {}) =>
      client.workflow.start<typeof execute>('execute', {
        ...workflow(),
        args: [CREATE, { name }, options, defaults],
      }),
    async timeline({ workflowId }) {
      const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
      return (events ?? []).flatMap((event) => {
        const data = event.userMetadata?.summary?.data;
        const summary: unknown = data ? JSON.parse(Buffer.from(data).toString()) : '';
        const type = event.activityTaskScheduledEventAttributes?.activityType?.name;
        if (type) return [`${type} • ${String(summary)}`];
        return event.timerStartedEventAttributes ? [String(summary)] : [];
      });
    },
    async cancelledIn(work) {
      const before = cloud.calls.length;
      await work();
      const calls = cloud.calls.slice(before).filter(({ method }) => method === CANCEL);
      return calls.flatMap(({ operationId }) => operationId ?? []);
    },
  };
}

/** The failure of an execution. */
export async function errorOf(execution: Promise<unknown>): Promise<{ cause?: unknown }> {
  const ended: unknown = await execution.then(
    (value) => ({ value }),
    (err: unknown) => err,
  );
  if (ended instanceof Error) return ended;
  throw new Error(`It did not fail, but gave ${JSON.stringify(ended)}`);
}
