import { setTimeout } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import { operationWorkflowId } from 'temporal-lro';
import type { awaitOperation } from 'temporal-lro/workflow-definitions';
import type { provision } from './workflows';
import { CLOUD, startEnvironment, type TestEnvironment } from '../support/environment';

/** A workflow's latest run. */
export interface Run {
  workflowId: string;
  runId: string;
}

/** Waits in each state that people look at. */
export interface Scene {
  environment: TestEnvironment;
  parent: Run;
  /** A child that waits by timers, with its operation at 21 %. */
  waiting: Run;
  /** A child whose operation has failed. */
  failed: Run;
  /** A wait by activity retries for an operation like that of `waiting`. */
  retrying: Run;
}

const METADATA = {
  '@type': 'fakecloud.v1.CreateClusterMetadata',
  clusterId: 'pg-prod',
  progressPercentage: 21,
  step: 'creating VMs',
};

/** Starts all of them; resolves when each can be viewed. */
export async function startScene(address = process.env.TEMPORAL_ADDRESS ?? ''): Promise<Scene> {
  const environment = await startEnvironment({ address, worker: { workflowsPath: require.resolve('./workflows') } });
  const { client, cloud, workflow } = environment;
  const create = { after: '1 h', description: 'Create cluster', metadata: METADATA } as const;
  const response = { '@type': 'fakecloud.v1.Cluster', id: 'pg-prod' };
  const [running, retried] = [cloud.operation({ ...create, response }), cloud.operation({ ...create, response })];
  const failing = cloud.operation({
    description: 'Create node group',
    metadata: { '@type': 'fakecloud.v1.CreateNodeGroupMetadata', nodeGroupId: 'gpu' },
    error: { code: 8, message: 'The limit on GPUs is exceeded' },
  });
  const parent = await client.workflow.start<typeof provision>('provision', {
    ...workflow(),
    args: [failing, running],
    staticSummary: 'Provision the cluster pg-prod',
  });
  const retrying = await client.workflow.start<typeof awaitOperation>('awaitOperation', {
    ...workflow(),
    workflowId: operationWorkflowId(CLOUD, retried),
    args: [{ cloud: CLOUD, operationId: retried, poll: { by: 'activityRetry', initialInterval: '5 s' } }],
  });
  return {
    environment,
    parent: { workflowId: parent.workflowId, runId: parent.firstExecutionRunId },
    failed: await childOf(environment, failing),
    waiting: await childOf(environment, running),
    retrying: { workflowId: retrying.workflowId, runId: retrying.firstExecutionRunId },
  };
}

/** The child that waits for that operation; resolves when its parent has started it. */
async function childOf({ client }: TestEnvironment, operationId: string): Promise<Run> {
  const workflowId = operationWorkflowId(CLOUD, operationId);
  for (;;) {
    try {
      return { workflowId, runId: (await client.workflow.getHandle(workflowId).describe()).runId };
    } catch (err) {
      if (!(err instanceof WorkflowNotFoundError)) throw err;
      await setTimeout(50);
    }
  }
}
