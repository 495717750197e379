import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { codeBlocks, writeReadmeProject } from './support/readme';

const ENTRIES = ['temporal-lro', 'temporal-lro/workflow', 'temporal-lro/workflow-definitions', 'temporal-lro/testing'];

/** The package as it would be published, and an empty project into which it is installed as the README says. */
let directory: string;
let tarball: string;
let project: string;

async function run(command: string, args: string[], cwd = process.cwd()): Promise<string> {
  return (await promisify(execFile)(command, args, { cwd, maxBuffer: 16 << 20 })).stdout;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'temporal-lro-package-'));
  // What is compiled is what this run tests; compiling it anew would pull it from under the other tests.
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', directory]);
  const [packed = ''] = await readdir(directory);
  tarball = join(directory, packed);
  project = await mkdtemp(join(directory, 'project-'));
  await writeFile(join(project, 'package.json'), '{ "name": "project", "private": true }');
  const [, braces = ''] = /^npm install temporal-lro @temporalio\/\{(.*)\}$/m.exec(codeBlocks('sh').join('')) ?? [];
  const peers = braces.split(',').map((name) => `@temporalio/${name}`);
  const types = ['@types/node@20', '@types/ms@2'];
  const quietly = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel', 'error'];
  await run('npm', ['install', '--prefix', project, ...quietly, tarball, ...peers, ...types], project);
}, 120_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

test('publint finds nothing to complain about', async () => {
  expect(await run('npx', ['publint', tarball])).toContain('All good!');
});

test('every entry has types in every module resolution', async () => {
  const analysis: unknown = JSON.parse(await run('npx', ['attw', tarball, '--format', 'json']));
  expect(analysis).toMatchObject({ analysis: { packageName: 'temporal-lro', problems: [] } });
});

test('npm finds no dependency missing or out of range', async () => {
  await expect(run('npm', ['ls', '--prefix', project, '--all'], project)).resolves.toContain('temporal-lro@');
});

test('every entry gives the same names to require and to import', async () => {
  const code = `
    import { createRequire } from 'node:module';
    const require = createRequire(import.meta.url);
    const names = async (entry) => [
      Object.keys(require(entry)).sort(),
      Object.keys(await import(entry)).filter((name) => !['default', 'module.exports', '__esModule'].includes(name)),
    ];
    console.log(JSON.stringify(await Promise.all(${JSON.stringify(ENTRIES)}.map(names))));`;
  await writeFile(join(project, 'names.mjs'), code);
  const entries: unknown = JSON.parse(await run(process.execPath, ['names.mjs'], project));
  if (!Array.isArray(entries)) throw new Error('no list of entries');
  expect(entries).toHaveLength(ENTRIES.length);
  for (const [required, imported] of entries.map((names: string[][]) => names)) {
    expect(required).not.toEqual([]);
    expect(imported).toEqual(required);
  }
});

test('an ES module awaits an operation with it', async () => {
  const code = `
    import { OperationsClient } from 'temporal-lro';
    import { FakeCloud } from 'temporal-lro/testing';
    const cloud = await FakeCloud.start();
    const client = OperationsClient.connect({ endpoint: cloud.address, plaintext: true });
    const id = cloud.operation({ after: 100, response: { '@type': 'google.protobuf.Duration', value: '7s' } });
    console.log(JSON.stringify(await client.wait(id)));
    client.close();
    await cloud.close();`;
  await writeFile(join(project, 'await.mjs'), code);
  expect(JSON.parse(await run(process.execPath, ['await.mjs'], project))).toMatchObject({ value: '7s' });
});

test("the README's example compiles, its libraries' declarations included, and runs on an embedded server", async () => {
  const { TEMPORAL_ADDRESS: _, ...embedded } = process.env;
  const readme = await writeReadmeProject(project, join(project, 'node_modules/.bin/temporal-lro'));
  await readme.compile({ skipLibCheck: false });
  expect(await readme.test(embedded)).toMatch(/^# pass 1$/m);
});
