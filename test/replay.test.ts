import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { quietRuntime } from './support/environment';
import { recipes } from './replay/recipes';
import { HISTORIES } from './replay/record';

const names = Object.keys(recipes);
const read = (name: string): string => readFileSync(join(HISTORIES, `${name}.json`), 'utf8');

let workflowBundle: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  quietRuntime();
  const workflowsPath = require.resolve('./replay/workflows');
  workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
});

/** Replays histories; returns the error of each failed replay, by its name. */
async function replay(histories: Record<string, string>): Promise<Record<string, string | undefined>> {
  const list = Object.entries(histories).map(([workflowId, json]): { workflowId: string; history: unknown } => ({
    workflowId,
    history: JSON.parse(json),
  }));
  const errors: Record<string, string | undefined> = {};
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle }, list)) {
    errors[workflowId] = error && `${error.name}: ${error.message}`;
  }
  return errors;
}

test('the history of every recipe replays without a difference', async () => {
  const errors = await replay(Object.fromEntries(names.map((name) => [name, read(name)])));
  expect(errors).toEqual(Object.fromEntries(names.map((name) => [name, undefined])));
});

test.each<[string, string, (json: string) => string]>([
  ['an activity of another type', 'wait-watched', (json) => json.replaceAll('"operation.get"', '"operation.poll"')],
  ['a timer that nobody started', 'wait-timers', (json) => json.replaceAll('_FIRED"', '_CANCELED"')],
  ['a child of another type', 'parent', (json) => json.replaceAll('"awaitOperation"', '"awaitOther"')],
])('a history with %s fails to replay', async (_, name, mutate) => {
  const mutated = mutate(read(name));
  expect(mutated).not.toBe(read(name));
  expect((await replay({ [name]: mutated }))[name]).toMatch(/^DeterminismViolationError/);
});
