// npm run chaos: runs waits while everything around them fails, and checks that nothing was lost. See docs/reliability.md.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { parseArguments } from './arguments';
import { check } from './checker';
import { drawPlan } from './plan';
import { story, summary } from './report';
import { run } from './run';

/** Of violations that are told in full; of the others the first line. */
const TOLD = 5;

async function main(): Promise<void> {
  const { seeds, minutes, kinds } = parseArguments(process.argv.slice(2));
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    // What it has started ends with it.
    process.once(signal, () => process.exit(code));
  }
  const directory = mkdtempSync(join(tmpdir(), 'temporal-lro-chaos-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const codePath = join(directory, 'workflows.js');
  const workflowsPath = require.resolve('./workflows');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  writeFileSync(codePath, code);
  let failed = 0;
  let passed = 0;
  for (const seed of seeds) {
    const plan = drawPlan(seed, minutes, kinds);
    const record = await run(plan, codePath);
    const violations = check(record);
    console.log(summary(record, violations));
    violations.forEach((violation, index) => {
      const told = story(violation, record);
      console.log(index < TOLD ? told : told.split('\n')[0]);
    });
    if (violations.length > 0) failed++;
    else passed++;
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed > 0 ? 1 : 0);
}

main().catch((err: unknown) => {
  console.error(err);
  console.log('0 passed, 1 failed');
  process.exit(1);
});
