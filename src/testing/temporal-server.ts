import { createServer } from 'net';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { messageOf } from '../model/thrown';
import { findTemporalCli } from './temporal-cli';

export interface TemporalServerOptions {
  /** Whether an embedded server serves its web UI. @default false */
  ui?: boolean;
  /** A SQLite file for the state of an embedded server, so that it survives a restart. @default in memory */
  dbFilename?: string;
}

export interface TemporalServer {
  /** `host:port` of the frontend. */
  address: string;
  /** The web UI of an embedded server that was started with `ui`. */
  uiUrl?: string;
  /** Stops an embedded server. Does nothing for a server that the environment names. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
/** Writes survive a killed server, much faster than in SQLite's default mode. */
const DURABLE = ['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'];

/**
 * Returns the Temporal server that the standard environment configuration names (`TEMPORAL_ADDRESS`, or a profile of
 * the configuration file). Without one, starts an embedded development server on a free loopback port, with the
 * Temporal CLI of {@link findTemporalCli}. Rejects with one sentence on what to do if that does not start.
 */
export async function startTemporalServer(options: TemporalServerOptions = {}): Promise<TemporalServer> {
  const { address } = loadClientConnectConfig().connectionOptions;
  if (address !== undefined && address !== '') return { address, stop: () => Promise.resolve() };
  const { path, advice } = findTemporalCli();
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
    const reason = messageOf(err);
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
