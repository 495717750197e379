import type { WorkflowHandle } from '@temporalio/client';
import type { WaitOptions } from 'temporal-lro/workflow';
import { cancels, eventsOf, startScene, taskFailures, type Scene } from './scene';
import * as workflows from './workflows';
import { until } from '../support/until';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterAll(() => scene.stop());

const EMPTY = { '@type': 'google.protobuf.Empty' };

interface State {
  options: WaitOptions;
  /** Whether the workflow has reached that state. */
  isReached: (handle: WorkflowHandle) => Promise<boolean>;
}

/** What a wait is doing when it is cancelled. */
const STATES: Record<string, State> = {
  'a watch': { options: {}, isReached: () => Promise.resolve(true) },
  'a timer': {
    options: { poll: { initialInterval: '5 s' } },
    isReached: async (handle) => (await eventsOf(handle)).some(({ eventType }) => eventType === 'TIMER_STARTED'),
  },
  'an activity retry': {
    options: { poll: { initialInterval: '5 s', by: 'activityRetry' } },
    isReached: async (handle) => (await handle.describe()).raw.pendingActivities?.[0]?.attempt === 2,
  },
  'a watch with a deadline': { options: { timeout: '1 h' }, isReached: () => Promise.resolve(true) },
};

/** Starts a workflow that waits in the given state for an operation of one hour. */
async function reach(
  name: string,
  start: (operationId: string, options: WaitOptions) => Promise<WorkflowHandle>,
): Promise<{ operationId: string; handle: WorkflowHandle }> {
  const state = STATES[name];
  if (!state) throw new Error(`No state ${name}`);
  const operationId = scene.cloud.operation({ after: '1 h', response: EMPTY });
  const handle = await start(operationId, state.options);
  await scene.polled(operationId);
  await until(() => state.isReached(handle));
  return { operationId, handle };
}
const AROUND: workflows.Around[] = ['nothing', 'a scope', 'an operationScope'];
const CLOSINGS: workflows.Closing[] = ['returns', 'throws'];

const cases = Object.keys(STATES).flatMap((state) =>
  AROUND.flatMap((around) =>
    CLOSINGS.map((closing): [string, workflows.Closing, workflows.Around] => [state, closing, around]),
  ),
);

test.each(cases)('a wait in %s loses a race, and its workflow %s at once, with %s around', async (...args) => {
  expect(await closed(...args)).toEqual([]);
});

/** Why workflow tasks failed. A task that hangs would keep the workflow from closing. */
async function closed(state: string, closing: workflows.Closing, around: workflows.Around): Promise<string[]> {
  const { operationId, handle } = await reach(state, (id, options) => {
    const args: Parameters<typeof workflows.loseRace> = [id, options, around, closing];
    return scene.client.workflow.start(workflows.loseRace, { ...scene.workflow(), args });
  });
  await handle.signal(workflows.go);
  await expectClosed(handle, closing);
  expect(cancels(scene.cloud, operationId)).toBe(around === 'an operationScope' ? 1 : 0);
  return taskFailures(handle);
}

async function expectClosed(handle: WorkflowHandle, closing: workflows.Closing): Promise<void> {
  if (closing === 'returns') expect(await handle.result()).toBe('closed');
  else await expect(handle.result()).rejects.toThrow();
}

test.each(
  Object.keys(STATES).flatMap((state) => CLOSINGS.map((closing): [string, workflows.Closing] => [state, closing])),
)('a workflow whose wait is in %s is cancelled, and %s at once', async (state, closing) => {
  const { handle } = await reach(state, (id, options) => {
    const args: Parameters<typeof workflows.closeWhenCancelled> = [id, options, closing];
    return scene.client.workflow.start(workflows.closeWhenCancelled, { ...scene.workflow(), args });
  });
  await handle.cancel();
  await expectClosed(handle, closing);
  expect(await taskFailures(handle)).toEqual([]);
});

test('a terminated workflow sends no Cancel', async () => {
  const { operationId, handle } = await reach('a watch', (id, options) => {
    const args: Parameters<typeof workflows.wait> = [id, options];
    return scene.client.workflow.start(workflows.wait, { ...scene.workflow(), args });
  });
  await handle.terminate();
  await expect(handle.result()).rejects.toThrow();
  expect(cancels(scene.cloud, operationId)).toBe(0);
});
