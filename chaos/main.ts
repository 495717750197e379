// npm run chaos: runs waits while everything around them fails, and checks that nothing is lost. See
// docs/reliability.md.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { startRunGuard } from '../test/support/run-guard';
import { parseArguments } from './arguments';
import { check } from './checker';
import { drawPlan } from './plan';
import type { RunRecord } from './record';
import { story, summary, table, type Judged } from './report';
import { run } from './run';

/** How many violations are printed in full. Of the others, only the first line is printed. */
const TOLD = 5;

async function main(): Promise<void> {
  const { seeds, minutes, kinds } = parseArguments(process.argv.slice(2));
  // Child processes end together with this process.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const directory = mkdtempSync(join(tmpdir(), 'temporal-lro-chaos-'));
  startRunGuard([directory]);
  const codePath = await bundle(directory);
  const judged: Judged[] = [];
  const running: Promise<void>[] = [];
  for (const seed of seeds) {
    // The next run begins when this one has healed and only waits for its ends.
    await new Promise<void>((healed) => {
      const ended = run(drawPlan(seed, minutes, kinds), { directory, codePath, healed })
        .then((record) => void judged.push(judge(record)))
        .catch((err: unknown) => console.log(`Seed ${seed} could not be run:`, err));
      running.push(ended.then(healed));
    });
  }
  await Promise.all(running);
  if (seeds.length > 1) console.log(table(judged));
  const passed = judged.filter(({ violations }) => violations.length === 0).length;
  console.log(`${passed} passed, ${seeds.length - passed} failed`);
  process.exit(passed === seeds.length ? 0 : 1);
}

function judge(record: RunRecord): Judged {
  const violations = check(record);
  console.log(summary(record, violations));
  violations.forEach((violation, index) => {
    const told = story(violation, record);
    console.log(index < TOLD ? told : told.split('\n')[0]);
  });
  return { record, violations };
}

/** Bundles the workflows once for all workers of all runs. */
async function bundle(directory: string): Promise<string> {
  const codePath = join(directory, 'workflows.js');
  const workflowsPath = require.resolve('./workflows');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  writeFileSync(codePath, code);
  return codePath;
}

main().catch((err: unknown) => {
  console.error(err instanceof Error ? err.message : err);
  console.log('0 passed, 1 failed');
  process.exit(1);
});
