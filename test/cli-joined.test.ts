import { join } from 'node:path';
import { operationWorkflowId } from 'temporal-lro';
import type { awaitOperation } from 'temporal-lro/workflow-definitions';
import { widthOf } from '../src/cli/columns';
import { CLOUD, startEnvironment, type TestEnvironment } from './support/environment';
import { startProgram, type Program } from './support/program';
import { reset } from './support/reset';

const MAIN = join(__dirname, '../src/cli/main.js');
const response = { '@type': 'google.protobuf.Empty' };

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await startEnvironment({
    worker: { workflowsPath: require.resolve('temporal-lro/workflow-definitions') },
  });
});
afterAll(() => environment.stop());

const awaiting = (id: string, ...args: string[]): Program =>
  startProgram(process.execPath, [
    MAIN,
    ...['await', id, '--cloud', CLOUD, '--task-queue', environment.taskQueue, ...args],
  ]);

test('Ctrl-C cancels a wait whose workflow was reset before the command joined it', async () => {
  const { client, cloud, taskQueue } = environment;
  const id = cloud.operation({ after: '1 h', description: 'Create cluster', response });
  const workflowId = operationWorkflowId(CLOUD, id);
  const args: Parameters<typeof awaitOperation> = [{ cloud: CLOUD, operationId: id }];
  await client.workflow.start<typeof awaitOperation>('awaitOperation', { workflowId, taskQueue, args });
  await reset(client, workflowId, 1);
  const run = awaiting(id, '--cancel-on-interrupt');
  await run.printed('Create cluster');
  run.interrupt();
  const { code, stderr } = await run.ended;
  expect(stderr).not.toContain('not found');
  expect(code).toBe(3);
});

test('an operation that had already ended is reported with its duration', async () => {
  const { cloud } = environment;
  const id = cloud.operation({ after: 10, response });
  const { code, stderr } = await awaiting(id).ended;
  expect(stderr).toMatch(/succeeded after 10 ms$/m);
  expect(code).toBe(0);
});

test('on a narrow terminal the progress line is truncated, since a wrapped line could not be overwritten', async () => {
  const { cloud, taskQueue } = environment;
  const id = cloud.operation({ after: '1 h', description: '大規模なデータベースクラスターの作成', response });
  const command = `stty cols 40; ${process.execPath} ${MAIN} await ${id} --cloud ${CLOUD} --task-queue ${taskQueue}`;
  const run = startProgram('script', ['-qec', command, '/dev/null']);
  await run.printed('大規模');
  await environment.client.workflow.getHandle(operationWorkflowId(CLOUD, id)).cancel();
  const { stdout } = await run.ended;
  const drawn = stdout.split(/\x1b\[[\d;?]*[A-Za-z]|[\r\n]/).filter((text) => /^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/.test(text));
  expect(drawn.some((text) => text.includes('大規模'))).toBe(true);
  for (const text of drawn) expect(widthOf(text)).toBeLessThan(40);
});
