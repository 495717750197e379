import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

export interface InteropServer {
  /** host:port of every service, plaintext. */
  address: string;
  /** Path of a FileDescriptorSet with everything in Yandex's generated code. */
  descriptorSet: string;
  /**
   * The requests so far that change something, as Yandex's generated code read them: `{ method, request, headers,
   * idempotencyKey? }`, headers by name only. An entry may come a moment after the reply.
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

/**
 * Starts test/interop/server.py, whose header lists the operations that it plays. The first start in a checkout
 * installs the Python packages under `.cache/`, which takes some seconds; needs `python3` with pip.
 */
export async function startInteropServer(account?: InteropAccount): Promise<InteropServer> {
  const sources = interopSources();
  const { packages, descriptorSet } = await install(sources);
  const child = spawn(
    'python3',
    [...ISOLATED, join(sources, 'server.py'), ...(account ? [JSON.stringify(account)] : [])],
    {
      env: { ...process.env, PYTHONPATH: packages },
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
    descriptorSet,
    requests: () => [...lines],
    async close() {
      child.kill();
      await ended;
    },
  };
}

/**
 * A FileDescriptorSet with everything in Yandex's generated code; see {@link startInteropServer} for the requirements.
 */
export async function yandexDescriptors(): Promise<string> {
  return (await install(interopSources())).descriptorSet;
}

// Without the machine's own site-packages: a `google` package with an __init__.py there would hide ours.
const ISOLATED = ['-S'];

function isReady(line: unknown): line is { port: number } {
  return typeof line === 'object' && line !== null && 'port' in line && typeof line.port === 'number';
}

/** The Python files stay next to the TypeScript sources, while this module runs from its compiled copy under dist/. */
function interopSources(): string {
  for (let directory = __dirname; directory !== dirname(directory); directory = dirname(directory)) {
    const sources = join(directory, 'test', 'interop');
    if (existsSync(join(sources, 'server.py'))) return sources;
  }
  throw new Error(`No test/interop/server.py in any directory above ${__dirname}.`);
}

async function install(sources: string): Promise<{ packages: string; descriptorSet: string }> {
  const requirements = join(sources, 'requirements.txt');
  const descriptors = join(sources, 'descriptors.py');
  const hash = createHash('sha256')
    // The packages hold extension modules, which fit one interpreter and one platform.
    .update(
      await python(['-c', 'import sys, sysconfig; print(sys.implementation.cache_tag, sysconfig.get_platform())']),
    )
    .update(await readFile(requirements))
    .update(await readFile(descriptors))
    .digest('hex');
  const cache = join(sources, '..', '..', '.cache');
  const target = join(cache, `interop-${hash.slice(0, 16)}`);
  if (!existsSync(target)) {
    await mkdir(cache, { recursive: true });
    // On the same file system, so that the rename is atomic and a partial installation is never used.
    const temporary = await mkdtemp(`${target}.`);
    try {
      const { packages, descriptorSet } = contents(temporary);
      await python([...PIP_INSTALL, '--target', packages, '--requirement', requirements]);
      await python([...ISOLATED, descriptors, descriptorSet], packages);
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      // Another process may have been first.
      if (!existsSync(target)) throw error;
    }
  }
  return contents(target);
}

const contents = (directory: string) => ({
  packages: join(directory, 'packages'),
  descriptorSet: join(directory, 'yandexcloud.binpb'),
});

// Not compiled: of 2,000 modules half are imported once, for the descriptors, and the rest never.
const PIP_INSTALL = ['-m', 'pip', 'install', '--no-deps', '--only-binary', ':all:', '--no-compile', '--no-input'];

async function python(args: string[], packages?: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('python3', args, {
      env: {
        ...process.env,
        PIP_DISABLE_PIP_VERSION_CHECK: '1',
        ...(packages !== undefined && { PYTHONPATH: packages }),
      },
      maxBuffer: 16 << 20,
    });
    return stdout;
  } catch (error) {
    throw new Error(`The interop tests need python3 (3.9 or later) with pip on the PATH: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stderr = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim() : '';
  return stderr.split('\n').at(-1) || error.message;
}
