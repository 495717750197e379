import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** The clouds whose own generated code the interop tests run. */
export type InteropCloud = 'yandex' | 'google' | 'nebius' | 'temporalCloud';

/** What {@link installGeneratedCode} has put under `.cache/`. */
export interface GeneratedCode {
  /** test/interop. */
  sources: string;
  /** A directory of Python packages, for PYTHONPATH. */
  packages: string;
  /** Paths of FileDescriptorSets with all options. */
  descriptorSets: Record<InteropCloud, string>;
}

/** Python without the machine's own site-packages: a `google` package with an __init__.py there would hide ours. */
export const ISOLATED = ['-S'];

/** The Python packages whose modules hold a cloud's descriptors. Google's new modules hold no services and no options. */
const PYTHON_PACKAGES = { yandex: 'yandex', nebius: 'nebius.api', temporalCloud: 'temporalio.api.cloud' };

const GOOGLE = {
  package: 'google-proto-files@6.0.1',
  sha512: 'fbvUWVNh3rKGlVFWwlUNF7Sk1Tah0a89q02rLTXsWjbKKHGeuURAa8tl9rvu5TyWny1YiSIo5eDqF260Tai6vQ==',
  paths: ['google/cloud/redis', 'google/longrunning'],
};

/**
 * The path of a FileDescriptorSet: of Yandex, Nebius and Temporal Cloud with every service, of Google with
 * `google.cloud.redis.v1`, `google.cloud.redis.cluster.v1` and their betas. See {@link installGeneratedCode}.
 */
export async function interopDescriptors(cloud: InteropCloud): Promise<string> {
  return (await installGeneratedCode()).descriptorSets[cloud];
}

/**
 * Installs the clouds' own generated code. The first call in a checkout takes some seconds and needs `python3` with pip;
 * later calls find the result.
 */
export async function installGeneratedCode(): Promise<GeneratedCode> {
  const sources = interopSources();
  const requirements = join(sources, 'requirements.txt');
  const descriptors = join(sources, 'descriptors.py');
  const hash = createHash('sha256')
    // The packages hold extension modules, which fit one interpreter and one platform.
    .update(
      await python(['-c', 'import sys, sysconfig; print(sys.implementation.cache_tag, sysconfig.get_platform())']),
    )
    .update(JSON.stringify([PYTHON_PACKAGES, GOOGLE]));
  for (const file of [requirements, descriptors, join(sources, 'packages.py')]) hash.update(await readFile(file));
  const cache = join(sources, '..', '..', '.cache');
  const target = join(cache, `interop-${hash.digest('hex').slice(0, 16)}`);
  if (!existsSync(target)) {
    await mkdir(cache, { recursive: true });
    // On the same file system, so that the rename is atomic and a partial installation is never used.
    const temporary = await mkdtemp(`${target}.`);
    try {
      const { packages, descriptorSets } = contents(sources, temporary);
      await Promise.all([
        python([...PIP_INSTALL, '--target', packages, '--requirement', requirements]),
        buildGoogle(temporary, descriptorSets.google),
      ]);
      for (const cloud of ['yandex', 'nebius', 'temporalCloud'] as const) {
        await python([...ISOLATED, descriptors, descriptorSets[cloud], PYTHON_PACKAGES[cloud]], packages);
      }
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      // Another process may have been first.
      if (!existsSync(target)) throw error;
    }
  }
  return contents(sources, target);
}

const contents = (sources: string, directory: string): GeneratedCode => ({
  sources,
  packages: join(directory, 'packages'),
  descriptorSets: {
    yandex: join(directory, 'yandexcloud.binpb'),
    google: join(directory, 'google.binpb'),
    nebius: join(directory, 'nebius.binpb'),
    temporalCloud: join(directory, 'temporal-cloud.binpb'),
  },
});

/** The Python files stay next to the TypeScript sources, while this module runs from its compiled copy under dist/. */
function interopSources(): string {
  for (let directory = __dirname; directory !== dirname(directory); directory = dirname(directory)) {
    const sources = join(directory, 'test', 'interop');
    if (existsSync(join(sources, 'requirements.txt'))) return sources;
  }
  throw new Error(`No test/interop/requirements.txt in any directory above ${__dirname}.`);
}

/** Builds the .proto files that Google publishes on npm. The archive has 7,000 files, so it is not unpacked. */
async function buildGoogle(directory: string, output: string): Promise<void> {
  const run = promisify(execFile);
  await run('npm', ['pack', GOOGLE.package, '--silent', '--pack-destination', directory]);
  const archive = join(directory, `${GOOGLE.package.replace('@', '-')}.tgz`);
  const sha512 = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64');
  if (sha512 !== GOOGLE.sha512) throw new Error(`${GOOGLE.package} has the wrong hash ${sha512}.`);
  const paths = GOOGLE.paths.flatMap((path) => ['--path', path]);
  await run('npx', ['buf', 'build', `${archive}#strip_components=1`, ...paths, '-o', output]);
  await rm(archive);
}

// Not compiled: of 4,000 modules half are imported once, for the descriptors, and the rest never.
const PIP_INSTALL = ['-m', 'pip', 'install', '--no-deps', '--only-binary', ':all:', '--no-compile', '--no-input'];

async function python(args: string[], packages?: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('python3', args, {
      env: {
        ...process.env,
        PIP_DISABLE_PIP_VERSION_CHECK: '1',
        // The scripts lie beside the sources.
        PYTHONDONTWRITEBYTECODE: '1',
        ...(packages !== undefined && { PYTHONPATH: packages }),
      },
      maxBuffer: 16 << 20,
    });
    return stdout;
  } catch (error) {
    throw new Error(`The interop tests need python3 (3.10 or later) with pip on the PATH: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stderr = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim() : '';
  return stderr.split('\n').at(-1) || error.message;
}
