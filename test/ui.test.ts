import type { temporal } from '@temporalio/proto';
import type { FrameLocator, Locator } from 'playwright-core';
import { openTemporalUi, type TemporalUi } from './support/temporal-ui';
import { startScene, type Scene } from './ui/scene';

let scene: Scene;
let ui: TemporalUi;
beforeAll(async () => {
  const uiUrl = process.env.TEMPORAL_UI_URL;
  if (uiUrl === undefined) throw new Error('Say by TEMPORAL_UI_URL where the UI of the server in TEMPORAL_ADDRESS is.');
  [scene, ui] = await Promise.all([startScene(), openTemporalUi(uiUrl)]);
});
afterAll(async () => {
  await ui.close();
  await scene.environment.stop();
});

/** The ID as the UI shows it, followed by our text. */
const labelled = (text: string): RegExp => new RegExp(`fc1[a-v0-9]{17} · ${text}`);

test("the parent's timeline names every operation, and the failed one shows the reason when it is opened", async () => {
  const page = await ui.open(scene.parent, 'timeline');
  await page.getByText('operation.start • NetworkService/Create net').first().waitFor();
  await page
    .getByText(/operation\.get • Create network network-net \(fc1[a-v0-9]{17}\)/)
    .first()
    .waitFor();
  await page.getByText('Create cluster pg-prod').first().waitFor();
  await page.getByText('Create node group gpu').first().click();
  await page
    .getByText(/yandex operation .* \(Create node group gpu\) failed: RESOURCE_EXHAUSTED: The limit on GPUs/)
    .first()
    .waitFor();
});

test('the timeline of a waiting child shows how far its operation is and when it is polled next', async () => {
  const page = await ui.open(scene.waiting, 'timeline');
  await page.getByText(labelled('21 % creating VMs · next poll in [56] s')).first().waitFor();
});

test('a wait by activity retries is one row, whose pending activity shows how far the operation is', async () => {
  const page = await ui.open(scene.retrying, 'timeline');
  await page
    .getByText(/Attempt\s+\d+ \/ ∞\s+•\s+operation\.get • fc1[a-v0-9]{17}/)
    .first()
    .waitFor();
  const pending = await ui.open(scene.retrying, 'pending-activities');
  await pending
    .getByText(/\(Create cluster pg-prod\) is running, 21 % creating VMs, next poll in [456] s/)
    .first()
    .waitFor();
});

test('the message of a failed wait contains everything about the failure', async () => {
  const page = await ui.open(scene.failed, 'timeline');
  await page.getByText('Failed', { exact: true }).first().waitFor();
  await page
    .getByText(
      /yandex operation .* \(Create node group gpu\) failed: RESOURCE_EXHAUSTED: The limit on GPUs is exceeded/,
    )
    .first()
    .waitFor();
});

test('the user metadata are a summary, fixed details and current details', async () => {
  // Each is Markdown in an iframe of its own.
  const shown = async (): Promise<FrameLocator[]> => {
    const page = await ui.open(scene.waiting, 'user-metadata');
    return [0, 1, 2].map((n) => page.frameLocator('iframe').nth(n));
  };
  const heading = { hasText: 'Create cluster pg-prod: running, 21 % creating VMs' };
  let [summary, details, current] = await shown();
  // The UI asks a worker for the current details once. If the answer is late they stay blank, and a person reloads.
  for (let reloads = 0; reloads < 3 && !(await appears(current?.locator('strong', heading))); reloads++) {
    [summary, details, current] = await shown();
  }
  await summary?.getByText('Create cluster pg-prod', { exact: true }).waitFor();
  await details
    ?.getByText(/^Operation [\w-]+$/)
    .first()
    .waitFor();
  await current?.locator('strong', heading).waitFor();
  await current?.locator('li', { hasText: /^Operation .* of yandex$/ }).waitFor();
  await current?.locator('code', { hasText: '"progressPercentage": 21' }).waitFor();
});

async function appears(locator: Locator | undefined): Promise<boolean> {
  return (
    (await locator?.waitFor({ timeout: 10_000 }).then(
      () => true,
      () => false,
    )) === true
  );
}

test('the query, the update and the signal have descriptions', async () => {
  const handle = scene.environment.client.workflow.getHandle(scene.waiting.workflowId);
  const { definition } = await handle.query<temporal.api.sdk.v1.IWorkflowMetadata>('__temporal_workflow_metadata');
  const described = (of: temporal.api.sdk.v1.IWorkflowInteractionDefinition[] | null | undefined): unknown[] =>
    (of ?? []).flatMap(({ name, description }) => (name?.startsWith('__') ? [] : [[name, description]]));
  expect(described(definition?.queryDefinitions)).toEqual([['operation', 'The operation as last seen']]);
  expect(described(definition?.updateDefinitions)).toEqual([
    ['pollOperation', 'Poll the operation now, and answer with what it is'],
  ]);
  expect(described(definition?.signalDefinitions)).toEqual([
    ['operationChanged', 'The operation may have changed: poll it now'],
  ]);
});
