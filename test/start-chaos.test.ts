import { join } from 'node:path';
import type { startMany } from './start/workflows';
import { CREATE, Replies } from './start/environment';
import { CLOUD, startEnvironment, type TestEnvironment } from './support/environment';
import { PROTO_DIRECTORY } from './support/proto';
import { startWorkerProcess } from './support/worker-process';
import { until } from './support/until';

const WORKFLOWS = 100;
const STARTS = 10;
/** Later calls have no faults: otherwise one start in ten would keep failing, at ever longer intervals. */
const FAULTY_CALLS = 1_500;

let environment: TestEnvironment;
beforeAll(async () => (environment = await startEnvironment({ worker: false })));
afterAll(() => environment.stop());

test('1,000 starts create exactly 1,000 resources, although replies are lost, calls hang and the worker is killed twice', async () => {
  const { client, cloud, taskQueue } = environment;
  const replies = new Replies(cloud);
  cloud.intercept(({ method, count }) => {
    if (method !== CREATE || count > FAULTY_CALLS) return undefined;
    if (count % 10 === 0) return { hang: '2 s' };
    return count % 2 === 0 ? { lostReply: true } : undefined;
  });
  const worker = () =>
    startWorkerProcess({
      taskQueue,
      // Otherwise tasks of workflows that a killed worker has cached would wait 10 s for that worker.
      maxCachedWorkflows: 0,
      workflowsPath: require.resolve('./start/workflows'),
      clouds: {
        [CLOUD]: {
          endpoint: cloud.address,
          plaintext: true,
          descriptors: [join(PROTO_DIRECTORY, 'fakecloud.binpb')],
          requestTimeout: '1 s',
        },
      },
    });
  const workers = [await worker(), await worker()];
  const executions = Promise.all(
    Array.from({ length: WORKFLOWS }, (_, i) =>
      client.workflow.execute<typeof startMany>('startMany', {
        ...environment.workflow(),
        // Before this timeout the tasks of a killed worker are not given to another one.
        workflowTaskTimeout: '3 s',
        args: [`w${i}`, STARTS],
      }),
    ),
  );
  // The worker is killed while calls are in flight, and another one takes its place.
  for (const calls of [200, 700]) {
    await until(() => cloud.calls.length >= calls);
    await workers.shift()?.kill('SIGKILL');
    workers.push(await worker());
  }
  const ids = (await executions).flat();
  await Promise.all(workers.map((running) => running.kill('SIGKILL')));
  expect(new Set(ids).size).toBe(WORKFLOWS * STARTS);
  const names = Array.from({ length: WORKFLOWS }, (_, i) => Array.from({ length: STARTS }, (_, j) => `w${i} ${j}`));
  expect(names.flat().filter((name) => replies.startedOf(name) !== 1)).toEqual([]);
}, 120_000);
