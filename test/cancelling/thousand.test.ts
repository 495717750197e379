import type { WorkflowHandle } from '@temporalio/client';
import { OperationsClient } from 'temporal-lro';
import type { WaitOptions } from 'temporal-lro/workflow';
import { seeded } from '../../bench/simulate';
import type { CancelBehaviour, Fault, OperationScript } from '../../src/testing/script';
import { CLOUD } from '../support/environment';
import { startWorkerProcess } from '../support/worker-process';
import { cancels, startScene, taskFailures, type Scene } from './scene';
import * as workflows from './workflows';

let scene: Scene;
let truth: OperationsClient;
beforeAll(async () => {
  scene = await startScene();
  truth = OperationsClient.connect({ endpoint: scene.cloud.address, plaintext: true });
});
afterAll(async () => {
  truth.close();
  await scene.stop();
});

const METADATA = { '@type': 'fakecloud.v1.CreateClusterMetadata', clusterId: 'cluster-1' };
const RESPONSE = { '@type': 'google.protobuf.Empty' };
const PER_WORKFLOW = 25;
const SEED = 20_260_301;

type Draw = <T>(choices: readonly T[]) => T;

function drawFrom(next: () => number): Draw {
  return (choices) => {
    const chosen = choices[Math.floor(next() * choices.length)];
    if (chosen === undefined) throw new Error('Nothing to choose from');
    return chosen;
  };
}

/** How the cloud treats Cancel; whatever it does, most operations end. */
const ENDS: CancelBehaviour[] = [
  'cancels',
  'cancels',
  'cancels',
  'completes',
  { cancelsAfter: 2000 },
  { cancelsAfter: 2000, rollback: 1000 },
  { completesAfter: 1000 },
];
const GOES_ON: CancelBehaviour[] = ['ignores', { refuses: { code: 9 } }, { refuses: { code: 12 } }];
const FAULTS: Fault[][] = [
  [],
  [],
  [{ on: 'Cancel', calls: 2, code: 14 }],
  [{ on: 'Cancel', calls: 1, code: 4 }],
  [{ on: 'Cancel', calls: 1, lostReply: true }],
  [{ on: 'Cancel', calls: 1, hang: 1000 }],
];
/** Waits in a watch, in a timer or between two attempts, each with a schedule for young and for old waits. */
const STATES: WaitOptions[] = [
  {},
  { poll: { initialInterval: '5 s' } },
  { poll: { initialInterval: '5 s', by: 'activityRetry' } },
  { timeout: '1 h' },
];

interface Run {
  operationId: string;
  script: OperationScript;
  told: workflows.Told;
}

/** Begins many waits, cancels all of them at once after each has been polled, and returns what each caller was told. */
async function cancelAll(
  scripts: OperationScript[],
  draw: Draw,
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<Run[]> {
  const { client, cloud, polled, workflow } = scene;
  const waits = scripts.map((script) => {
    // The watches of a killed worker end with it. A poll at the end of this time sees what they would have seen.
    const cancelTimeout = GOES_ON.includes(script.onCancel ?? 'cancels') ? '3 s' : '30 s';
    const options: WaitOptions = { ...draw(STATES), cancelTimeout };
    return { script, operationId: cloud.operation(script), options };
  });
  const handles: WorkflowHandle<typeof workflows.waitForMany>[] = [];
  for (let i = 0; i < waits.length; i += PER_WORKFLOW) {
    const args: Parameters<typeof workflows.waitForMany> = [
      waits.slice(i, i + PER_WORKFLOW).map(({ operationId, options }) => ({ operationId, options })),
    ];
    handles.push(
      await client.workflow.start(workflows.waitForMany, { ...workflow(), workflowTaskTimeout: '3 s', args }),
    );
  }
  await Promise.all(waits.map(({ operationId }) => polled(operationId)));
  const disturbed = meanwhile();
  await Promise.all(handles.map((handle) => handle.cancel()));
  await disturbed;
  const results = (await Promise.all(handles.map((handle) => handle.result()))).flat();
  for (const handle of handles) expect(await taskFailures(handle)).toEqual([]);
  expect(results).toHaveLength(waits.length);
  return waits.map(({ operationId, script }, i) => ({ operationId, script, told: results[i] ?? { gets: 'nothing' } }));
}

/** What a caller must have been told, given the state of the operation at the end. */
async function becameOf(operationId: string): Promise<string> {
  const operation = await truth.get(operationId);
  switch (operation.state) {
    case 'succeeded':
      return 'the response';
    case 'failed':
      return operation.error.codeName === 'CANCELLED' ? '`CancelledFailure`' : '`OperationFailed`';
    case 'running':
    case 'rollingBack':
      return '`OperationStillRunning`';
  }
}

test(`1,000 waits are cancelled at once, with faults and a killed worker, and each is told the truth (seed ${SEED})`, async () => {
  const worker = await startWorkerProcess({
    taskQueue: scene.taskQueue,
    workflowsPath: require.resolve('./workflows'),
    // Otherwise tasks of workflows that the killed worker has cached would wait 10 s for that worker.
    maxCachedWorkflows: 0,
    clouds: { [CLOUD]: { endpoint: scene.cloud.address, plaintext: true } },
  });
  let count = 0;
  const underWay = new Promise<void>((resolve) => {
    scene.cloud.intercept(({ method }) => {
      if (method.endsWith('/Cancel') && ++count === 200) resolve();
      return undefined;
    });
  });
  const next = seeded(SEED);
  const draw = drawFrom(next);
  const scripts = Array.from({ length: 1000 }, (): OperationScript => {
    const end = next() < 0.1 ? { error: { code: 13, message: 'out of machines' } } : { response: RESPONSE };
    const onCancel = draw(next() < 0.9 ? ENDS : GOES_ON);
    // Some operations end on their own, before or during the cancellation.
    const endsItself = !GOES_ON.includes(onCancel) && next() < 0.1;
    const after = endsItself ? Math.ceil(next() * 8000) : '1 h';
    return { after, metadata: METADATA, onCancel, faults: draw(FAULTS), ...end };
  });
  const killed = async (): Promise<void> => {
    await underWay;
    await worker.kill('SIGKILL');
  };
  const runs = await cancelAll(scripts, draw, killed);
  const wrong: unknown[] = [];
  let ended = 0;
  for (const { operationId, script, told } of runs) {
    const { onCancel = 'cancels' } = script;
    const truly = await becameOf(operationId);
    if (told.gets !== truly) wrong.push({ operationId, onCancel, told, truly });
    if (!GOES_ON.includes(onCancel) && truly === '`OperationStillRunning`') wrong.push({ operationId, left: onCancel });
    if (truly !== '`OperationStillRunning`') ended++;
  }
  expect(wrong).toEqual([]);
  expect(ended).toBeGreaterThan(850);
}, 120_000);

test('without faults at most 1.05 Cancel calls are made per operation', async () => {
  const draw = drawFrom(seeded(SEED + 1));
  const scripts = Array.from({ length: 300 }, (): OperationScript => ({
    after: '1 h',
    metadata: METADATA,
    onCancel: draw(ENDS),
    response: RESPONSE,
  }));
  const runs = await cancelAll(scripts, draw);
  const calls = runs.reduce((sum, { operationId }) => sum + cancels(scene.cloud, operationId), 0);
  expect(calls / runs.length).toBeGreaterThanOrEqual(1);
  expect(calls / runs.length).toBeLessThanOrEqual(1.05);
  for (const { operationId, told } of runs) expect(told.gets).toBe(await becameOf(operationId));
}, 120_000);
