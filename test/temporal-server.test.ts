import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  process.env.TEMPORAL_CLI_PATH = join(directory, 'temporal');
  writeFileSync(process.env.TEMPORAL_CLI_PATH, '#!/bin/sh\nexit 3\n');
  chmodSync(process.env.TEMPORAL_CLI_PATH, 0o755);
  await expect(startTemporalServer()).rejects.toThrow(
    `The CLI is ${process.env.TEMPORAL_CLI_PATH}: check that it runs, or set TEMPORAL_ADDRESS to a running server.`,
  );
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
