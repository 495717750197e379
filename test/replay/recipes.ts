import type { WorkflowHandle } from '@temporalio/client';
import { operationChanged, operationWorkflowId, pollOperation } from 'temporal-lro';
import { CLOUD, startEnvironment, type TestEnvironment } from '../support/environment';
import { startTemporalProcess } from '../support/temporal-process';
import { until } from '../support/until';
import { readingRecipes } from './reading-recipes';
import { startRecipes } from './start-recipes';
import {
  awaitInChild,
  awaitOperation,
  cancelBesideWait,
  cancelOwnWait,
  loseInScope,
  lookAndWait,
  wait,
} from './workflows';

/** Runs a workflow, to its end if it has one, and returns the run whose history is kept. */
export type Recipe = (environment: TestEnvironment) => Promise<Pick<WorkflowHandle, 'fetchHistory'>>;

const EMPTY = { '@type': 'google.protobuf.Empty' };
const ERROR = { code: 8, message: 'The limit on the number of clusters has been exceeded.' };
/** Intervals so long that the workflow sleeps, and the worker does not watch. */
const BY_TIMER = { poll: { initialInterval: '5 s', jitter: 0 } } as const;
const BY_RETRY = { poll: { ...BY_TIMER.poll, by: 'activityRetry' } } as const;

/** Waits for the end, whatever it is. */
async function ended(started: Promise<WorkflowHandle>): Promise<WorkflowHandle> {
  const handle = await started;
  await handle.result().catch(() => undefined);
  return handle;
}

/** Cancels the workflow after its first poll has begun. */
async function cancelled({ cloud }: TestEnvironment, id: string, handle: WorkflowHandle): Promise<WorkflowHandle> {
  await until(() => cloud.calls.some(({ operationId }) => operationId === id));
  await handle.cancel();
  return ended(Promise.resolve(handle));
}

/**
 * One recipe for each path through our workflow code, keyed by the name of its file in test/histories. To add one:
 * write the recipe, add workflow types to ./workflows if the package's own do not suffice, run `npm run histories
 * NAME`, and commit the file. A change to the commands of a workflow changes the files: until the first tagged release
 * run `npm run histories` for all of them; after that, the old files stay and the code uses `patched()`.
 */
export const recipes: Record<string, Recipe> = {
  ...startRecipes,
  ...readingRecipes,
  // On a server of its own, which suggests continue-as-new after a few polls.
  'await-operation-continues': async () => {
    const server = await startTemporalProcess(['limit.historyCount.suggestContinueAsNew=20']);
    const { client, cloud, workflow, stop } = await startEnvironment({
      address: server.address,
      worker: { workflowsPath: require.resolve('./workflows') },
    });
    try {
      const operationId = cloud.operation({ after: '12 s', response: EMPTY });
      const args: Parameters<typeof awaitOperation> = [{ cloud: CLOUD, operationId, ...BY_TIMER }];
      const handle = await client.workflow.start(awaitOperation, { ...workflow(), args });
      await handle.result();
      const first = await client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId).fetchHistory();
      return { fetchHistory: () => Promise.resolve(first) };
    } finally {
      await stop();
      await server.kill();
    }
  },
  'wait-watched': ({ client, cloud, workflow }) => {
    const args: Parameters<typeof wait> = [CLOUD, cloud.operation({ after: 1500, response: EMPTY })];
    return ended(client.workflow.start(wait, { ...workflow(), args }));
  },
  'wait-timers': ({ client, cloud, workflow }) => {
    const args: Parameters<typeof wait> = [CLOUD, cloud.operation({ after: 7000, response: EMPTY }), BY_TIMER];
    return ended(client.workflow.start(wait, { ...workflow(), args }));
  },
  'wait-activity-retry': ({ client, cloud, workflow }) => {
    const args: Parameters<typeof wait> = [CLOUD, cloud.operation({ after: 7000, response: EMPTY }), BY_RETRY];
    return ended(client.workflow.start(wait, { ...workflow(), args }));
  },
  'wait-failed': ({ client, cloud, workflow }) => {
    const args: Parameters<typeof wait> = [CLOUD, cloud.operation({ after: 500, error: ERROR })];
    return ended(client.workflow.start(wait, { ...workflow(), args }));
  },
  'wait-misconfigured': ({ client, workflow }) => {
    const args: Parameters<typeof wait> = [CLOUD, ''];
    return ended(client.workflow.start(wait, { ...workflow(), args }));
  },
  'wait-timed-out': ({ client, cloud, workflow }) => {
    const id = cloud.operation({ after: '1 h', response: EMPTY });
    const args: Parameters<typeof wait> = [CLOUD, id, { timeout: '2 s' }];
    return ended(client.workflow.start(wait, { ...workflow(), args }));
  },
  'wait-cancelled': async (environment) => {
    const id = environment.cloud.operation({ after: '1 h', onCancel: { cancelsAfter: 2000 }, response: EMPTY });
    const args: Parameters<typeof wait> = [CLOUD, id];
    const handle = await environment.client.workflow.start(wait, { ...environment.workflow(), args });
    return cancelled(environment, id, handle);
  },
  'wait-cancelled-in-vain': async (environment) => {
    const id = environment.cloud.operation({ after: '1 h', onCancel: 'ignores', response: EMPTY });
    const args: Parameters<typeof wait> = [CLOUD, id, { cancelTimeout: '2 s' }];
    const handle = await environment.client.workflow.start(wait, { ...environment.workflow(), args });
    return cancelled(environment, id, handle);
  },
  'wait-try-cancel': async (environment) => {
    const id = environment.cloud.operation({ after: '1 h', response: EMPTY });
    const args: Parameters<typeof wait> = [CLOUD, id, { cancellationType: 'TRY_CANCEL' }];
    const handle = await environment.client.workflow.start(wait, { ...environment.workflow(), args });
    return cancelled(environment, id, handle);
  },
  'wait-abandoned': async (environment) => {
    const id = environment.cloud.operation({ after: '1 h', response: EMPTY });
    const args: Parameters<typeof wait> = [CLOUD, id, { cancellationType: 'ABANDON' }];
    const handle = await environment.client.workflow.start(wait, { ...environment.workflow(), args });
    return cancelled(environment, id, handle);
  },
  'wait-timed-out-and-cancelled': ({ client, cloud, workflow }) => {
    const id = cloud.operation({ after: '1 h', onCancel: { cancelsAfter: 2000 }, response: EMPTY });
    const args: Parameters<typeof wait> = [CLOUD, id, { timeout: '1 s', onTimeout: 'cancel' }];
    return ended(client.workflow.start(wait, { ...workflow(), args }));
  },
  'handle-cancel': ({ client, cloud, workflow }) => {
    const id = cloud.operation({ after: '1 h', onCancel: { cancelsAfter: 2000 }, response: EMPTY });
    const args: Parameters<typeof cancelBesideWait> = [CLOUD, id];
    return ended(client.workflow.start(cancelBesideWait, { ...workflow(), args }));
  },
  'operation-scope': ({ client, cloud, workflow }) => {
    const args: Parameters<typeof loseInScope> = [CLOUD, cloud.operation({ after: '1 h', response: EMPTY })];
    return ended(client.workflow.start(loseInScope, { ...workflow(), args }));
  },
  'wait-cancelled-by-scope': ({ client, cloud, workflow }) => {
    const args: Parameters<typeof cancelOwnWait> = [
      CLOUD,
      cloud.operation({ after: '1 h', response: EMPTY }),
      BY_TIMER,
    ];
    return ended(client.workflow.start(cancelOwnWait, { ...workflow(), args }));
  },
  handle: ({ client, cloud, workflow }) => {
    const args: Parameters<typeof lookAndWait> = [CLOUD, cloud.operation({ after: 1500, response: EMPTY })];
    return ended(client.workflow.start(lookAndWait, { ...workflow(), args }));
  },
  'await-operation': async ({ client, cloud, workflow }) => {
    const operationId = cloud.operation({ after: 7000, response: EMPTY });
    const args: Parameters<typeof awaitOperation> = [{ cloud: CLOUD, operationId, ...BY_TIMER }];
    const handle = await client.workflow.start(awaitOperation, { ...workflow(), args });
    await handle.executeUpdate(pollOperation);
    await handle.signal(operationChanged);
    return ended(Promise.resolve(handle));
  },
  'await-operation-failed': ({ client, cloud, workflow }) => {
    const args: Parameters<typeof awaitOperation> = [
      { cloud: CLOUD, operationId: cloud.operation({ after: 500, error: ERROR }) },
    ];
    return ended(client.workflow.start(awaitOperation, { ...workflow(), args }));
  },
  /** The second run of a wait that has continued as new: its first poll is due later. */
  'await-operation-continued': ({ client, cloud, workflow }) => {
    const operationId = cloud.operation({ after: 2000, response: EMPTY });
    const operation = { cloud: CLOUD, id: operationId, state: 'running' } as const;
    const now = Date.now();
    const state = { startedAtMs: now - 200_000, polls: 20, timers: 20, operation, lastPolledAtMs: now };
    const args = [
      { cloud: CLOUD, operationId, timeout: '1 h' },
      { ...state, nextPollAtMs: now + 3000 },
    ];
    return ended(client.workflow.start('awaitOperation', { ...workflow(), args }));
  },
  /** The poll that a signal requests sees the end before the next scheduled poll. */
  'await-operation-hinted': async ({ client, cloud, workflow }) => {
    const operationId = cloud.operation({ after: 500, response: EMPTY });
    const poll = { initialInterval: '1 s', maximumInterval: '1 h', ageFraction: 1, jitter: 0 } as const;
    const state = { startedAtMs: Date.now() - 3_600_000, polls: 1, timers: 0 };
    const args = [{ cloud: CLOUD, operationId, poll }, state];
    const handle = await client.workflow.start('awaitOperation', { ...workflow(), args });
    await until(async () => (await handle.describe()).historyLength >= 10);
    await handle.signal(operationChanged);
    return ended(Promise.resolve(handle));
  },
  'wait-rolled-back': ({ client, cloud, workflow }) => {
    const id = cloud.operation({ after: '1 h', rollback: '1 h', error: ERROR });
    const args: Parameters<typeof wait> = [CLOUD, id, { onRollback: 'fail' }];
    return ended(client.workflow.start(wait, { ...workflow(), args }));
  },
  'wait-timed-out-cancelled': ({ client, cloud, workflow }) => {
    const id = cloud.operation({ after: '1 h', response: EMPTY });
    const args: Parameters<typeof wait> = [CLOUD, id, { ...BY_TIMER, timeout: '2 s', onTimeout: 'cancel' }];
    return ended(client.workflow.start(wait, { ...workflow(), args }));
  },
  parent: ({ client, cloud, workflow }) => {
    const args: Parameters<typeof awaitInChild> = [CLOUD, cloud.operation({ after: 1500, response: EMPTY })];
    return ended(client.workflow.start(awaitInChild, { ...workflow(), args }));
  },
  'child-cancelled': async (environment) => {
    const { client, cloud, workflow } = environment;
    const id = cloud.operation({ after: '1 h', response: EMPTY });
    const args: Parameters<typeof awaitInChild> = [CLOUD, id, BY_TIMER];
    await cancelled(environment, id, await client.workflow.start(awaitInChild, { ...workflow(), args }));
    return client.workflow.getHandle(operationWorkflowId(CLOUD, id));
  },
};
