import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { startTemporalServer } from 'temporal-lro/testing';
import { quietRuntime } from '../support/environment';
import { openTemporalUi } from '../support/temporal-ui';
import { startScene, type Run } from './scene';

const IMAGES = 'docs/images';

/** Takes the pictures of the documentation: the demo and some waits, in the real UI. */
async function main(): Promise<void> {
  mkdirSync(IMAGES, { recursive: true });
  quietRuntime();
  const server = await startTemporalServer({ ui: true });
  const ui = await openTemporalUi(server.uiUrl ?? '');
  try {
    await runDemo(server.address);
    const scene = await startScene(server.address);
    const { client } = scene.environment;
    const closed = async (query: string): Promise<Run> => {
      for await (const { workflowId, runId } of client.workflow.list({ query })) return { workflowId, runId };
      throw new Error(`No workflow is found by ${query}`);
    };

    const parent = await ui.open(await closed("WorkflowType = 'provisionCluster'"), 'timeline');
    await parent.getByText('Create node group gpu').first().waitFor();
    await picture(parent, 'timeline', 1090);

    const waiting = await ui.open(scene.waiting, 'timeline');
    await waiting
      .getByText(/next poll in/)
      .nth(2)
      .waitFor();
    await picture(waiting, 'waiting');

    const retrying = await ui.open(scene.retrying, 'timeline', { stackTraces: false });
    await retrying
      .getByText(/Attempt\s+\d+/)
      .first()
      .click();
    await retrying
      .getByText(/is running, 21 %/)
      .first()
      .waitFor();
    await picture(retrying, 'retrying', 1100);

    const failed = await ui.open(
      await closed("WorkflowType = 'awaitOperation' AND ExecutionStatus = 'Failed'"),
      'timeline',
      { stackTraces: false },
    );
    await failed
      .getByText(/RESOURCE_EXHAUSTED/)
      .first()
      .waitFor();
    await picture(failed, 'failure');

    const metadata = await ui.open(scene.waiting, 'user-metadata');
    await metadata.frameLocator('iframe').nth(2).getByText('"progressPercentage": 21').waitFor();
    await picture(metadata, 'user-metadata');
    await scene.environment.stop();
  } finally {
    await ui.close();
    await server.stop();
  }
}

async function runDemo(address: string): Promise<void> {
  const demo = spawn(process.execPath, [require.resolve('../../examples/provision-cluster/main')], {
    env: { ...process.env, TEMPORAL_ADDRESS: address },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await once(demo, 'exit');
  if (demo.exitCode !== 0) throw new Error(`The demo ended with ${demo.exitCode}`);
}

async function picture(page: Page, name: string, height = 1000): Promise<void> {
  await page.setViewportSize({ width: 1440, height });
  const path = `${IMAGES}/${name}.png`;
  await page.screenshot({ path, animations: 'disabled' });
  console.log(path);
}

void main();
