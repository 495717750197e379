import type { WorkflowHandle } from '@temporalio/client';
import { operationWorkflowId } from 'temporal-lro';
import { lookAt, lookJson, lookLines, type Look } from '../src/cli/get';
import { CLOUD, pluginOf, runWorker, startEnvironment, type TestEnvironment } from './support/environment';
import { startProgram } from './support/program';
import { until } from './support/until';

const MAIN = require.resolve('../src/cli/main');
const response = { '@type': 'google.protobuf.Empty' };

let env: TestEnvironment;
beforeAll(async () => {
  const workflowsPath = require.resolve('temporal-lro/workflow-definitions');
  env = await startEnvironment({ worker: { workflowsPath } });
});
afterAll(() => env.stop());

async function begin(id: string, taskQueue = env.taskQueue): Promise<WorkflowHandle> {
  const workflowId = operationWorkflowId(CLOUD, id);
  return env.client.workflow.start('awaitOperation', {
    workflowId,
    taskQueue,
    args: [{ cloud: CLOUD, operationId: id }],
  });
}

const look = (id: string, answerMs?: number): Promise<Look> => lookAt(env.client, id, CLOUD, answerMs);
const field = (name: string, text: string): unknown => expect.stringMatching(new RegExp(`^  ${name} +${text}`));

test('get polls an operation that its wait has not seen yet, and does not invent a state', async () => {
  const id = env.cloud.operation({ after: '1 h', description: 'Create', response });
  const wait = await begin(id);
  const { operation, unknown } = await look(id);
  expect(operation).toMatchObject({ id, state: 'running', description: 'Create' });
  expect(unknown).toBeUndefined();
  await wait.terminate();
});

test('get reports that the state is unknown, and why, when the operation cannot be polled', async () => {
  const id = env.cloud.operation({
    after: '1 h',
    response,
    faults: [{ on: 'Get', calls: 10_000, code: 14, message: 'maintenance' }],
  });
  const wait = await begin(id);
  let seen: Look | undefined;
  // The first attempt may still be in progress.
  await until(async () => (seen = await look(id, 1_000)).problem !== undefined);
  expect(seen?.operation).toBeUndefined();
  expect(seen?.problem?.message).toMatch(/could not be polled: .*UNAVAILABLE: maintenance$/);
  const lines = seen && lookLines(seen, id);
  expect(lines).toContainEqual(
    field('State', 'not known: it has not been polled yet\\. Fix the problem, or try again later'),
  );
  expect(lines).toContainEqual(
    field('Polls', 'cannot be made: .*UNAVAILABLE: maintenance; (next poll at \\d{4}-.*Z|the next poll is under way)$'),
  );
  expect(seen && lookJson(seen, id, CLOUD)).toEqual({
    cloud: CLOUD,
    id,
    state: null,
    unknown: { reason: expect.stringContaining('it has not been polled yet') as unknown },
    pollProblem: expect.objectContaining({ message: expect.stringContaining('maintenance') as unknown }) as unknown,
  });
  await wait.terminate();
});

test('get does not report the last state that a wait saw, when the wait has ended before its operation', async () => {
  const id = env.cloud.operation({ after: '1 h', description: 'Create', response });
  const wait = await begin(id);
  await look(id);
  await wait.terminate();
  const seen = await look(id);
  const lines = lookLines(seen, id);
  expect(lines).toContainEqual(
    field(
      'State',
      `not known: its wait has ended \\(TERMINATED\\), so nothing polls it\\. Run "temporal-lro await ${id} --cloud`,
    ),
  );
  expect(lines).toContainEqual(field('Last seen', 'running'));
  expect(lookJson(seen, id, CLOUD)).toMatchObject({ id, state: null, lastSeen: { id, state: 'running' } });
});

test('get and await show a refusal that a wait retries: the error, since when, and when the next attempt is due', async () => {
  const taskQueue = `${env.taskQueue}-refused`;
  const workflowsPath = require.resolve('./refused/workflows');
  const stop = await runWorker({
    connection: env.connection,
    taskQueue,
    plugins: [pluginOf(env.cloud)],
    workflowsPath,
  });
  try {
    const id = `refused-${taskQueue}`;
    const wait = await begin(id, taskQueue);
    const problem =
      'PERMISSION_DENIED: no role, since 2026-01-01T00:01:00\\.000Z; next poll at 2026-01-01T00:06:00\\.000Z';
    const seen = await look(id);
    const lines = lookLines(seen, id);
    expect(lines).toContainEqual(field('State', 'running at 2026-01-01T00:00:00\\.000Z$'));
    expect(lines).toContainEqual(field('Polls', `cannot be made: ${problem}$`));
    expect(lookJson(seen, id, CLOUD)).toMatchObject({ state: 'running', pollError: { codeName: 'PERMISSION_DENIED' } });

    const run = startProgram(process.execPath, [MAIN, 'await', id, '--cloud', CLOUD, '--task-queue', taskQueue]);
    await run.printed('no role');
    run.interrupt();
    expect((await run.ended).stderr).toMatch(new RegExp(`: running; cannot be polled: ${problem}$`, 'm'));
    await wait.terminate();
  } finally {
    await stop();
  }
});

test('await reports why an operation cannot be polled while the wait retries its polls', async () => {
  const faults = [{ on: 'Get' as const, calls: 10_000, code: 14, message: 'maintenance' }];
  const id = env.cloud.operation({ after: '1 h', response, faults });
  const args = ['await', id, '--cloud', CLOUD, '--task-queue', env.taskQueue];
  const run = startProgram(process.execPath, [MAIN, ...args]);
  await run.printed('maintenance');
  run.interrupt();
  const { stderr } = await run.ended;
  expect(stderr).toMatch(/\] +cannot be polled: .*UNAVAILABLE: maintenance; /);
  expect(stderr).not.toMatch(/: running/);
  await env.client.workflow.getHandle(operationWorkflowId(CLOUD, id)).terminate();
});
