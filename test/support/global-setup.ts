import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTemporalServer, type TemporalServer } from 'temporal-lro/testing';
import { quietRuntime } from './environment';
import { leave, ROOT } from './left-behind';
import { startRunGuard, type RunGuard } from './run-guard';

declare global {
  /** The server of this test run; global-teardown stops it. */
  var temporalServer: TemporalServer | undefined;
  /** Ends what the tests have left behind, at the latest when the run is killed. */
  var runGuard: RunGuard | undefined;
}

/** One Temporal server serves the whole run; every test file has a task queue of its own. */
export default async function setUp(): Promise<void> {
  mkdirSync(ROOT, { recursive: true });
  const directory = mkdtempSync(join(ROOT, 'run-'));
  process.env.LEFT_BEHIND_DIRECTORY = directory;
  for (const stream of [process.stdout, process.stderr]) leaveOutput(stream);
  const bundles = mkdtempSync(join(tmpdir(), 'temporal-lro-bundles-'));
  process.env.BUNDLES_DIRECTORY = bundles;
  globalThis.runGuard = startRunGuard([bundles]);
  // By default the runtime, which starts the server, keeps the first Ctrl-C and the first SIGTERM to itself.
  quietRuntime();
  const server = await startTemporalServer({ ui: true, dbFilename: join(directory, 'temporal.db') });
  globalThis.temporalServer = server;
  process.env.TEMPORAL_ADDRESS = server.address;
  if (server.uiUrl !== undefined) process.env.TEMPORAL_UI_URL = server.uiUrl;
}

type Written = (err?: Error | null) => void;

/** The output is part of the search for secrets. */
function leaveOutput(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream);
  stream.write = (chunk: Uint8Array | string, encoding?: BufferEncoding | Written, written?: Written) => {
    leave('outputs', Buffer.from(chunk).toString());
    return typeof encoding === 'function' ? write(chunk, undefined, encoding) : write(chunk, encoding, written);
  };
}
