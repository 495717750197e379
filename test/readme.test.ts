import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { CloudOptions, OperationFailure } from 'temporal-lro';
import { START_OPTION_KEYS, WAIT_OPTION_KEYS } from '../src/model/options';
import { authorizedKey } from './support/guarded-cloud';
import { leave } from './support/left-behind';
import { README, writeReadmeProject, type ReadmeProject } from './support/readme';

const CLOUD_OPTIONS: Record<keyof CloudOptions, true> = {
  endpoint: true,
  discovery: true,
  services: true,
  credentials: true,
  descriptors: true,
  tls: true,
  plaintext: true,
  requestTimeout: true,
  maxConcurrentRequests: true,
  maxRequestsPerSecond: true,
  watch: true,
  progress: true,
};

const FAILURES: Record<OperationFailure['type'], true> = {
  OperationFailed: true,
  OperationCancelled: true,
  OperationTimedOut: true,
  OperationNotFound: true,
  OperationStillRunning: true,
  OperationUnreadable: true,
  OperationServiceError: true,
  OperationConfigurationError: true,
};

let project: ReadmeProject;
beforeAll(async () => {
  // Within the package, so that its name and its dependencies are found.
  await mkdir('.cache', { recursive: true });
  project = await writeReadmeProject(await mkdtemp('.cache/readme-'), require.resolve('../src/cli/main'));
  await writeFile(join(project.directory, 'key.json'), JSON.stringify(authorizedKey().file));
  await project.compile();
});
afterAll(() => rm(project.directory, { recursive: true, force: true }));

test('its test passes', async () => {
  expect(await project.test(process.env)).toMatch(/^# pass 1$/m);
});

test('its worker starts, and stops when it is told to', async () => {
  const worker = spawn(process.execPath, ['lib/worker.js'], {
    cwd: project.directory,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(worker, 'exit');
  let log = '';
  for await (const line of createInterface({ input: worker.stderr })) {
    log += `${line}\n`;
    if (line.includes("state: 'RUNNING'")) worker.kill('SIGTERM');
  }
  await exited;
  leave('outputs', log);
  expect(log).toContain("state: 'RUNNING'");
  expect(worker.exitCode).toBe(0);
});

test('its tables have every option and every type of failure', () => {
  const rows = [...README.matchAll(/^\| `(\w+)(?:\.\w+)?` +\|/gm)].map(([, name]) => name);
  const named = [...WAIT_OPTION_KEYS, ...START_OPTION_KEYS, ...Object.keys(CLOUD_OPTIONS), ...Object.keys(FAILURES)];
  expect(rows).toEqual(expect.arrayContaining(named));
});

test('its links lead somewhere', () => {
  const links = [...README.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = '']) => path);
  expect(links.filter((path) => !existsSync(join(path)))).toEqual([]);
});
