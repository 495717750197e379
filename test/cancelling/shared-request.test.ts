import { cancels, startScene, taskFailures, type Scene } from './scene';
import * as workflows from './workflows';

const LONG = { after: '1 h', response: { '@type': 'google.protobuf.Empty' } } as const;

let scene: Scene;
beforeAll(async () => (scene = await startScene()));
afterAll(() => scene.stop());

test.each([
  ['sooner', ['2 s', '40 s']],
  ['later', ['40 s', '2 s']],
] as const)(
  'of two waits the one with time left cancels though the other, which asked %s, gives up',
  async (_, [first, second]) => {
    const operationId = scene.cloud.operation({ ...LONG, faults: [{ on: 'Cancel', calls: 4, code: 14 }] });
    const waits = [first, second].map((cancelTimeout) => ({ operationId, options: { cancelTimeout } }));
    const handle = await scene.client.workflow.start(workflows.waitForMany, { ...scene.workflow(), args: [waits] });
    await scene.polled(operationId);
    await handle.cancel();
    const told = await handle.result();
    expect(told[first === '40 s' ? 0 : 1]?.gets).toBe('`CancelledFailure`');
    expect(cancels(scene.cloud, operationId)).toBeGreaterThan(4);
  },
);

test('a wait that nobody looks at when an operationScope is left fails no workflow task', async () => {
  const left = scene.cloud.operation(LONG);
  const failing = scene.cloud.operation({ after: '1 s', error: { code: 8, message: 'The limit is exceeded' } });
  const handle = await scene.client.workflow.start(workflows.leaveUnawaited, {
    ...scene.workflow(),
    args: [left, failing],
  });
  await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'OperationFailed' } });
  expect(await taskFailures(handle)).toEqual([]);
  expect(cancels(scene.cloud, left)).toBe(1);
});
