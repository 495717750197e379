import { ClusterService } from '../examples/provision-cluster/cloud/fakecloud/v1';
import { CLOUD, startEnvironment, type TestEnvironment } from './support/environment';
import { startProgram } from './support/program';

const MAIN = require.resolve('../src/cli/main');

let env: TestEnvironment;
beforeAll(async () => {
  env = await startEnvironment({ worker: { workflowsPath: require.resolve('temporal-lro/workflow-definitions') } });
});
afterAll(() => env.stop());

function call(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const options = ['--cloud', CLOUD, '--task-queue', env.taskQueue];
  return startProgram(process.execPath, [MAIN, 'call', ...args, ...options]).ended;
}

test('call prints the reply of a method that reads, whose request a worker has sent', async () => {
  env.cloud.on(ClusterService.get).reply(({ clusterId }) => ({ response: { id: clusterId ?? '', name: 'prod' } }));
  const { code, stdout } = await call(ClusterService.get.path, '{"clusterId":"cl-7"}');
  expect(JSON.parse(stdout)).toMatchObject({ id: 'cl-7', name: 'prod' });
  expect(code).toBe(0);
  expect(stdout.trim().split('\n').length).toBeGreaterThan(1);
  const line = await call(ClusterService.get.path, '{"clusterId":"cl-7"}', '--json');
  expect(line.stdout.trim().split('\n')).toHaveLength(1);
});

test('call says in one sentence why the cloud refused, and exits with 8', async () => {
  env.cloud.on(ClusterService.get).reply(() => ({ error: { code: 7, message: 'no role viewer' } }));
  const { code, stdout, stderr } = await call(ClusterService.get.path, '{"clusterId":"cl-7"}');
  expect(stderr).toMatch(/^temporal-lro: .*ClusterService.*PERMISSION_DENIED: no role viewer\n$/);
  expect([code, stdout]).toEqual([8, '']);
});

test('call says that the cloud did not answer in time, and with which error if Temporal knows it', async () => {
  env.cloud.on(ClusterService.get).reply(() => ({ error: { code: 14, message: 'maintenance' } }));
  const { code, stderr } = await call(ClusterService.get.path, '{"clusterId":"cl-7"}', '--timeout', '3 s');
  expect(stderr).toMatch(/UNAVAILABLE: maintenance|the cloud did not answer within 3 s/);
  expect(code).toBe(8);
});

test.each([
  ['a request that is not JSON', ['fakecloud.v1.ClusterService/Get', '{clusterId}'], /The request is not JSON/],
  ['a field that the request does not have', ['fakecloud.v1.ClusterService/Get', '{"clusterID":"x"}'], /clusterID/],
  ['a method that no descriptor has', ['fakecloud.v1.ClusterService/Fetch', '{}'], /Fetch/],
  ['a method that starts an operation', ['fakecloud.v1.ClusterService/Delete', '{"clusterId":"x"}'], /operation/],
])('call exits with 9 for %s, and says what is wrong', async (_, args, problem) => {
  const { code, stderr } = await call(...args);
  expect(stderr).toMatch(problem);
  expect(code).toBe(9);
});

test('call says that no worker has answered', async () => {
  const options = ['--cloud', CLOUD, '--task-queue', 'nobody', '--timeout', '2 s'];
  const args = [MAIN, 'call', ClusterService.get.path, '{}', ...options];
  const { code, stderr } = await startProgram(process.execPath, args).ended;
  expect(stderr).toMatch(/No worker on the task queue nobody has answered within 2 s/);
  expect(code).toBe(1);
});
