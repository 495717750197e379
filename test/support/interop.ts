import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { installGeneratedCode, ISOLATED, type InteropCloud } from './generated-code';

export interface InteropServer {
  /** host:port of every service, plaintext. */
  address: string;
  /** Path of a FileDescriptorSet with the services of the cloud. */
  descriptorSet: string;
  /**
   * The requests so far, as the cloud's own generated code read them: `{ method, request, headers }`; the header of the
   * server's file says which requests and which headers. An entry may come a moment after the reply.
   */
  requests(): unknown[];
  close(): Promise<void>;
}

/** The public half of an authorized key. With it the server accepts only calls with tokens that it has issued. */
export interface InteropAccount {
  id: string;
  service_account_id: string;
  audience: string;
  n: string;
  e: string;
}

const SERVERS: Record<InteropCloud, string> = {
  yandex: 'yandex_server.py',
  google: 'google_server.py',
  nebius: 'nebius_server.py',
  temporalCloud: 'temporal_cloud_server.py',
};

/**
 * Starts a server of test/interop, whose header lists the operations that it plays. The first start in a checkout
 * installs the Python packages; see `installGeneratedCode`. Only Yandex's and Nebius's
 * servers check tokens, and only if there is an account.
 */
export async function startInteropServer(cloud: InteropCloud, account?: InteropAccount): Promise<InteropServer> {
  const { sources, packages, descriptorSets } = await installGeneratedCode();
  const child = spawn(
    'python3',
    [...ISOLATED, join(sources, SERVERS[cloud]), ...(account ? [JSON.stringify(account)] : [])],
    {
      env: { ...process.env, PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines: unknown[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const parsed: unknown = JSON.parse(line);
      if (isReady(parsed)) resolve(parsed.port);
      else lines.push(parsed);
    });
    child.once('error', reject);
    child.once('close', (code, signal) =>
      reject(new Error(`The interop server ended at its start: ${signal ?? code}.`)),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    descriptorSet: descriptorSets[cloud],
    requests: () => [...lines],
    async close() {
      child.kill();
      await ended;
    },
  };
}

function isReady(line: unknown): line is { port: number } {
  return typeof line === 'object' && line !== null && 'port' in line && typeof line.port === 'number';
}
