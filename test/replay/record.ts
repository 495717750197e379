// npm run histories [NAME …]: writes test/histories from real runs, of all recipes or of the named ones.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { quietRuntime, startEnvironment } from '../support/environment';
import setUp from '../support/global-setup';
import tearDown from '../support/global-teardown';
import { recipes } from './recipes';

/** The path works from the compiled code as well as from the sources. */
export const HISTORIES = join(__dirname, '..', '..', '..', 'test', 'histories');

/** Removes the worker's identity and the path of its code, which replay ignores. */
const PRIVATE = new Set(['identity', 'stackTrace']);

/** One event per line. */
function toText(json: string): string {
  const history = JSON.parse(json, (key, value: unknown) => (PRIVATE.has(key) ? undefined : value)) as {
    events: unknown[];
  };
  return `{"events":[\n${history.events.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`;
}

async function record(names: string[]): Promise<void> {
  const unknown = names.find((name) => !Object.hasOwn(recipes, name));
  if (unknown) throw new Error(`No recipe is called ${unknown}; there are ${Object.keys(recipes).join(', ')}`);
  quietRuntime();
  await setUp();
  const environment = await startEnvironment({ worker: { workflowsPath: require.resolve('./workflows') } });
  try {
    // No history outlives its recipe.
    if (names.length === 0) rmSync(HISTORIES, { recursive: true, force: true });
    mkdirSync(HISTORIES, { recursive: true });
    const chosen = Object.entries(recipes).filter(([name]) => names.length === 0 || names.includes(name));
    await Promise.all(
      chosen.map(async ([name, recipe]) => {
        const history = await (await recipe(environment)).fetchHistory();
        writeFileSync(join(HISTORIES, `${name}.json`), toText(historyToJSON(history)));
        console.log(`${name}.json`);
      }),
    );
  } finally {
    await environment.stop();
    await tearDown();
  }
}

if (require.main === module) {
  record(process.argv.slice(2)).catch((err: unknown) => {
    console.error(err);
    process.exitCode = 1;
  });
}
