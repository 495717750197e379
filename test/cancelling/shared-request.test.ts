import { until } from '../support/until';
import { cancels, startScene, type Scene } from './scene';
import * as workflows from './workflows';

const LONG = { after: '1 h', response: { '@type': 'google.protobuf.Empty' } } as const;

let scene: Scene;
beforeAll(async () => (scene = await startScene()));
afterAll(() => scene.stop());

test.each([
  ['sooner', ['2 s', '40 s']],
  ['later', ['40 s', '2 s']],
] as const)(
  'a wait with time left still cancels when another one, which asked %s, gives up',
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

test('a cancellation with a short timeout does not wait for one with a long timeout', async () => {
  let isDown = true;
  const operationId = scene.cloud.operation(LONG);
  scene.cloud.intercept((call) =>
    isDown && call.operationId === operationId && call.method.endsWith('/Cancel') ? { code: 14 } : undefined,
  );
  const handle = await scene.client.workflow.start(workflows.cancelBriefly, {
    ...scene.workflow(),
    args: [operationId],
  });
  await scene.polled(operationId);
  await handle.signal(workflows.go);
  await until(() => handle.query(workflows.hasGivenUp));
  isDown = false;
  // The wait had time left.
  expect((await handle.result()).gets).toBe('`CancelledFailure`');
});
