import { OperationsClient } from 'temporal-lro';
import { startEnvironment, CLOUD, type TestEnvironment } from './support/environment';
import { startProgram, type Program } from './support/program';
import { startTemporalProcess, type TemporalProcess } from './support/temporal-process';

const MAIN = require.resolve('../src/cli/main');

let temporal: TemporalProcess;
let env: TestEnvironment;
beforeAll(async () => {
  temporal = await startTemporalProcess();
  const worker = { workflowsPath: require.resolve('temporal-lro/workflow-definitions') };
  env = await startEnvironment({ address: temporal.address, worker });
}, 60_000);
afterAll(async () => {
  await env.stop();
  await temporal.remove();
});

const awaiting = (id: string): Program =>
  startProgram(
    process.execPath,
    [MAIN, 'await', id, '--cloud', CLOUD, '--address', temporal.address, '--task-queue', env.taskQueue],
    { timeout: 60_000 },
  );

test('await survives an outage of the Temporal server, and Ctrl-C detaches during the outage', async () => {
  const response = { '@type': 'google.protobuf.Empty' };
  const begin = (): string => env.cloud.operation({ after: '1 h', onCancel: 'completes', response });
  const kept = begin();
  const [patient, impatient] = [awaiting(kept), awaiting(begin())];
  await Promise.all([patient.printed('running'), impatient.printed('running')]);
  await temporal.kill();
  impatient.interrupt();
  const detached = await impatient.ended;
  expect(detached.stderr).toMatch(/Detached: workflow .* goes on\. Come back with\n {2}temporal-lro await .*\n$/);
  expect(detached.code).toBe(130);

  await patient.printed('Temporal does not answer, and the wait goes on');
  await temporal.restart();
  const cloud = OperationsClient.connect({ endpoint: env.cloud.address, plaintext: true });
  await cloud.cancel(kept);
  cloud.close();
  const { code, stdout } = await patient.ended;
  expect(JSON.parse(stdout)).toEqual({ '@type': 'type.googleapis.com/google.protobuf.Empty' });
  expect(code).toBe(0);
}, 100_000);
