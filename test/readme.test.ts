import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { README, writeReadmeProject, type ReadmeProject } from './support/readme';

let project: ReadmeProject;
beforeAll(async () => {
  // Within the package, so that its name and its dependencies are found.
  await mkdir('.cache', { recursive: true });
  project = await writeReadmeProject(await mkdtemp('.cache/readme-'), require.resolve('../src/cli/main'));
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
  expect(log).toContain("state: 'RUNNING'");
  expect(worker.exitCode).toBe(0);
});

test('its links lead somewhere', () => {
  const links = [...README.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = '']) => path);
  expect(links.filter((path) => !existsSync(join(path)))).toEqual([]);
});
