import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { resolveWaitOptions } from '../src/model/options';
import { nextInterval } from '../src/model/schedule';
import { authorizedKey, GuardedCloud } from './support/guarded-cloud';
import { startProgram } from './support/program';
import { startTemporalProcess } from './support/temporal-process';
import { CERTIFICATE, tlsProxy } from './support/tls-proxy';

let page: string;
let directory: string;
beforeAll(async () => {
  page = await readFile('docs/clouds.md', 'utf8');
  await mkdir('.cache', { recursive: true });
  // Inside the package, so that it can import the package by name.
  directory = await mkdtemp('.cache/clouds-page-');
  await mkdir(join(directory, 'src'));
});
afterAll(() => rm(directory, { recursive: true }));

/** The arguments of a command on the page, after `before`. */
function command(before: string): string[] {
  const [, found] = new RegExp(`^${before} (.*?)(?: && .*)?$`, 'm').exec(page) ?? [];
  if (found === undefined) throw new Error(`docs/clouds.md has no command ${before}`);
  return found.split(' ');
}

test('the code of docs/clouds.md compiles with the command that the page gives', async () => {
  const blocks = [...page.matchAll(/^```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)^```$/gm)];
  expect(blocks).toHaveLength(page.split('```ts').length - 1);
  for (const [, path = '', code = ''] of blocks) await writeFile(join(directory, path), code);
  const tsc = require.resolve('typescript/lib/tsc');
  const files = blocks.map(([, path = '']) => path);
  const args = [tsc, '--ignoreConfig', '--strict', '--rootDir', 'src', ...command('npx tsc'), ...files];
  await promisify(execFile)(process.execPath, args, { cwd: directory }).catch((err: { stdout?: string }) => {
    throw new Error(err.stdout);
  });
});

test('docs/clouds.md installs the peer dependencies of the package, except @temporalio/testing', async () => {
  expect(page).toContain('npm install google-auth-library');
  const [, names = ''] = /@temporalio\/\{(.*)\}/.exec(page) ?? [];
  const installed = names.split(',').map((name) => `@temporalio/${name}`);
  const expected = [...installed, '@temporalio/testing', 'google-auth-library'].map((name): [string, unknown] => [
    name,
    expect.any(String),
  ]);
  const manifest: unknown = JSON.parse(await readFile('package.json', 'utf8'));
  expect(manifest).toHaveProperty('peerDependencies', Object.fromEntries(expected));
});

test('the worker and the command of docs/clouds.md, unchanged, take a key of the cloud to the end of a wait', async () => {
  const key = authorizedKey();
  await writeFile(join(directory, 'key.json'), JSON.stringify(key.file));
  const temporal = await startTemporalProcess();
  const cloud = await GuardedCloud.start(key.publicKey);
  const disk = { type_url: 'type.googleapis.com/yandex.cloud.compute.v1.Disk', value: Buffer.from('disk') };
  cloud.operation = (id) => (cloud.callsOf('Get').length < 3 ? { id } : { id, done: true, response: disk });
  cloud.endpoints = { operation: 'operation.api.cloud.yandex.net:443', iam: 'iam.api.cloud.yandex.net:443' };
  const proxy = await tlsProxy(cloud.address);
  const env = {
    ...process.env,
    TEMPORAL_ADDRESS: temporal.address,
    https_proxy: proxy.url,
    no_proxy: '127.0.0.1',
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: resolve(CERTIFICATE),
  };
  const worker = startProgram(process.execPath, ['lib/worker.js'], { cwd: directory, env });
  try {
    await worker.printed("state: 'RUNNING'");
    const cli = require.resolve('../src/cli/main');
    const args = [cli, ...command('npx temporal-lro'), '--json'];
    const wait = startProgram(process.execPath, args, { env, timeout: 30_000 });
    const { code, stdout } = await wait.ended;
    expect(stdout).toContain(disk.type_url);
    expect(stdout).toContain(disk.value.toString('base64'));
    expect(code).toBe(0);
  } finally {
    worker.interrupt();
    await worker.ended;
    await Promise.all([proxy.close(), cloud.close(), temporal.remove()]);
  }
  expect(proxy.targets.toSorted()).toEqual([
    'api.cloud.yandex.net:443',
    'iam.api.cloud.yandex.net:443',
    'operation.api.cloud.yandex.net:443',
  ]);
  expect(cloud.jwts.map(({ protectedHeader }) => protectedHeader.kid)).toEqual([key.file.id]);
});

const SECOND = 1000;
const UNITS: Record<string, number> = { s: SECOND, min: 60 * SECOND, h: 3600 * SECOND };
const inMs = (text: string): number => {
  const [amount, unit = ''] = text.split(' ');
  return Number(amount) * (UNITS[unit] ?? NaN);
};

test('the figures of docs/clouds.md are those of the polling schedule', () => {
  const rows = page
    .split('\n')
    .filter((line) => /^\| \d+ (s|min)\s+\| \d+/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  expect(rows).toHaveLength(4);
  for (const [, initial = '', takes = '', polls, anHour, late = ''] of rows) {
    const { schedule } = resolveWaitOptions({ poll: { initialInterval: initial, jitter: 0 } });
    let [age, count, interval] = [0, 1, 0];
    for (; age < inMs(takes); age += interval, count++) interval = nextInterval(schedule, age, 0.5);
    expect([initial, takes, count, Math.floor(2500 / count)]).toEqual([initial, takes, Number(polls), Number(anHour)]);
    // With the jitter that is left out above.
    expect(interval * 1.2).toBeLessThanOrEqual(inMs(late));
    expect(interval * 1.2).toBeGreaterThan(inMs(late) * 0.8);
  }
});
