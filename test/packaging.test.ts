import { exec, execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { authorizedKey } from './support/guarded-cloud';
import { freeAddress } from './support/listen';
import { startProcessGroup, type ProcessGroup } from './support/process-group';
import { codeBlocks, makeReadmeProject } from './support/readme';

const ENTRIES = ['temporal-lro', 'temporal-lro/workflow', 'temporal-lro/workflow-definitions', 'temporal-lro/testing'];

/** The package as npm would publish it, and a project that installs it as the README says. */
let directory: string;
let tarball: string;
let project: string;
let compiled: Promise<void>;
const started: ProcessGroup[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'temporal-lro-package-'));
  // Packs what this run tests. Compiling again would delete files that other tests are using.
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', directory]);
  const [packed = ''] = await readdir(directory);
  tarball = join(directory, packed);
  project = await mkdtemp(join(directory, 'project-'));
  await writeFile(join(project, 'package.json'), '{ "name": "project", "private": true }');
  const types = ['@types/node@20', '@types/ms@2'];
  const quietly = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel', 'error'];
  await run('npm', ['install', '--prefix', project, ...quietly, tarball, ...lowestPeers(), ...types], project);
  await writeFile(join(project, 'key.json'), JSON.stringify(authorizedKey().file));
  compiled = makeReadmeProject(project, join(project, 'node_modules/.bin/temporal-lro'));
  // The tests that do not need it run in the meantime; the others await it and fail with it.
  compiled.catch(() => undefined);
}, 180_000);
afterAll(async () => {
  for (const group of started) group.kill();
  await rm(directory, { recursive: true, force: true });
});

/** The README's peers, each in the lowest version that package.json allows. This repository itself has recent ones. */
function lowestPeers(): string[] {
  const [, braces = ''] = /^npm install temporal-lro @temporalio\/\{(.*)\}$/m.exec(codeBlocks('sh').join('')) ?? [];
  const named = braces.split(',').map((name) => `@temporalio/${name}`);
  const allowed = [...readFileSync('package.json', 'utf8').matchAll(/"(@temporalio\/\w+)": ">=([\d.]+) <2"/g)];
  expect(allowed.map(([, name]) => name)).toEqual(named);
  return allowed.map(([, name, version]) => `${name}@${version}`);
}

const bin = (name: string): string => join(process.cwd(), 'node_modules/.bin', name);

async function run(command: string, args: string[], cwd = process.cwd()): Promise<string> {
  return (await promisify(execFile)(command, args, { cwd, maxBuffer: 16 << 20 })).stdout;
}

function start(args: string[], env: NodeJS.ProcessEnv, cwd = project): ProcessGroup {
  const group = startProcessGroup(cwd, args, env);
  started.push(group);
  return group;
}

test('publint reports no problem', async () => {
  expect(await run(bin('publint'), [tarball])).toContain('All good!');
});

test('every entry has types in every module resolution', async () => {
  const analysis: unknown = JSON.parse(await run(bin('attw'), [tarball, '--format', 'json']));
  expect(analysis).toMatchObject({ analysis: { packageName: 'temporal-lro', problems: [] } });
});

test('npm finds every dependency installed and in range, with the lowest versions of the peers', async () => {
  await expect(run('npm', ['ls', '--prefix', project, '--all'], project)).resolves.toContain('temporal-lro@');
});

test('every link in its pages points to a file of the installed package', async () => {
  const root = join(project, 'node_modules/temporal-lro');
  const pages = (await readdir(root, { recursive: true })).filter((path) => path.endsWith('.md'));
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/waiting.md', 'SECURITY.md', 'CHANGELOG.md']));
  const broken = pages.flatMap((page) => {
    const links = [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)];
    const targets = links.map(([, target = '']) => join(root, dirname(page), target));
    return targets.filter((target) => !target.startsWith(root) || !existsSync(target));
  });
  expect(broken).toEqual([]);
});

test('every entry exports the same names to require and to import, and loads no files except modules', async () => {
  const code = `
    import fs from 'node:fs';
    import { createRequire } from 'node:module';
    const require = createRequire(import.meta.url);
    const read = [];
    for (const functions of [fs, fs.promises]) {
      for (const [name, original] of Object.entries(functions)) {
        if (!/^(read|open|l?stat|exists|access|createRead)/.test(name)) continue;
        functions[name] = (...args) => {
          if (!/\\.([cm]?js|json|node)$/.test(args[0])) read.push(name + ' ' + args[0]);
          return original(...args);
        };
      }
    }
    const names = async (entry) => [
      Object.keys(require(entry)).sort(),
      Object.keys(await import(entry)).filter((name) => !['default', 'module.exports', '__esModule'].includes(name)),
    ];
    console.log(JSON.stringify([read, ...(await Promise.all(${JSON.stringify(ENTRIES)}.map(names)))]));`;
  await writeFile(join(project, 'names.mjs'), code);
  const printed: unknown = JSON.parse(await run(process.execPath, ['names.mjs'], project));
  if (!Array.isArray(printed)) throw new Error('no list');
  const [read, ...entries] = printed.map((names: unknown[]) => names);
  expect(read).toEqual([]);
  expect(entries).toHaveLength(ENTRIES.length);
  for (const [required, imported] of entries) {
    expect(required).not.toEqual([]);
    expect(imported).toEqual(required);
  }
});

describe("the README's examples", () => {
  const { TEMPORAL_ADDRESS: _, ...embedded } = process.env;
  const failure = (reason: string): object => ({ code: 1, output: expect.stringContaining(reason) as unknown });
  beforeAll(() => compiled, 180_000);

  /** Copies the compiled examples to `name` and breaks one file. */
  async function spoilt(name: string, file: string, right: string, wrong: string): Promise<string> {
    await cp(join(project, 'lib'), join(project, name), { recursive: true });
    await replaceIn(join(project, name, file), right, wrong);
    return name;
  }

  /** Node's arguments in the README's command that runs the test. */
  function testCommand(): string[] {
    const [, args = ''] = /^node (--test .*)$/m.exec(codeBlocks('sh').join('')) ?? [];
    expect(args).not.toBe('');
    return args.split(' ');
  }

  async function replaceIn(path: string, right: string, wrong: string): Promise<void> {
    const code = await readFile(path, 'utf8');
    expect(code).toContain(right);
    await writeFile(path, code.replace(right, wrong));
  }

  test('the test passes; with a wrong assertion or a workflow that throws, it fails as quickly and leaves no process behind', async () => {
    const assertion = await spoilt('assertion', 'workflows.test.js', "'enp1')", "'enp2')");
    const bug = await spoilt('bug', 'workflows.js', 'const network =', "throw new Error('a bug'); const network =");
    await replaceIn(join(project, bug, 'workflows.test.js'), "'1 min'", "'2 s'");
    const passing = start(testCommand(), embedded);
    const failing = start(['--test', assertion], embedded);
    const failingToo = start(['--test', bug], process.env);
    const { code, output, ms } = await passing.ended;
    expect(output).toMatch(/^# pass 1$/m);
    expect(code).toBe(0);

    const late = sleep(2 * ms, undefined, { ref: false });
    expect(await Promise.race([failing.ended, late])).toMatchObject(failure("'enp1' !== 'enp2'"));
    expect(await Promise.race([failingToo.ended, late])).toMatchObject(failure('execution timed out'));
    expect([passing, failing, failingToo].filter((group) => group.isRunning())).toEqual([]);
  }, 120_000);

  test('the worker stops on SIGTERM, and fails if the server is unreachable or an option is wrong', async () => {
    const stopped = start(['lib/worker.js'], process.env);
    const away = start(['lib/worker.js'], { ...process.env, TEMPORAL_ADDRESS: await freeAddress() });
    const option = await spoilt('option', 'worker.js', 'src/cloud/descriptors.binpb', 'src/none.binpb');
    const wrong = start([`${option}/worker.js`], process.env);
    await stopped.printed("state: 'RUNNING'");
    stopped.signal('SIGTERM');
    expect(await stopped.ended).toMatchObject({ code: 0 });
    expect(await away.ended).toMatchObject({
      code: 1,
      output: expect.stringContaining('Connection refused') as string,
    });
    expect(await wrong.ended).toMatchObject({ code: 1, output: expect.stringContaining('src/none.binpb') as string });
    expect([stopped, away, wrong].filter((group) => group.isRunning())).toEqual([]);
  });
});

describe("a worker bundled with the README's commands", () => {
  const WORKER = `
    import { randomUUID } from 'node:crypto';
    import { Client, Connection } from '@temporalio/client';
    import { NativeConnection, Worker } from '@temporalio/worker';
    import { OperationsClient } from 'temporal-lro';
    import { FakeCloud, startTemporalServer } from 'temporal-lro/testing';
    import set from './cloud/descriptors.binpb';

    async function main() {
      const { address } = await startTemporalServer();
      const cloud = await FakeCloud.start({ descriptors: [set] });
      const client = new Client({ connection: await Connection.connect({ address }) });
      const connection = await NativeConnection.connect({ address });
      const taskQueue = randomUUID();
      const workflowBundle = { codePath: 'workflows.js' };
      const worker = await Worker.create({ connection, taskQueue, workflowBundle, plugins: [cloud.plugin('yandex')] });
      const response = { '@type': 'yandex.cloud.vpc.v1.Network', id: 'enp1', createdAt: '9999-12-31T23:59:59Z' };
      const operationId = cloud.operation({ after: 100, response });
      const args = [{ cloud: 'yandex', operationId }];
      const wait = client.workflow.execute('awaitOperation', { workflowId: operationId, taskQueue, args });
      console.log(JSON.stringify(await worker.runUntil(wait)));
      const outside = OperationsClient.connect({ endpoint: cloud.address, plaintext: true, descriptors: [set] });
      console.log(JSON.stringify(await outside.wait(operationId)));
      outside.close();
      await connection.close();
      await client.connection.close();
      await cloud.close();
    }
    void main();`;
  const BUNDLE_WORKFLOWS = `
    const { writeFileSync } = require('node:fs');
    const { bundleWorkflowCode } = require('@temporalio/worker');
    const workflowsPath = require.resolve('temporal-lro/workflow-definitions');
    bundleWorkflowCode({ workflowsPath }).then(({ code }) => writeFileSync('alone/workflows.js', code));`;

  /** A directory with the bundles, the workflow code and `@temporalio/*`, and nothing else. */
  let alone: string;
  beforeAll(async () => {
    await compiled;
    alone = join(project, 'alone');
    await mkdir(join(alone, 'node_modules'), { recursive: true });
    await symlink(join(project, 'node_modules/@temporalio'), join(alone, 'node_modules/@temporalio'));
    await writeFile(join(project, 'src/worker.ts'), WORKER);
    await writeFile(join(project, 'bundle-workflows.js'), BUNDLE_WORKFLOWS);
    const commands = codeBlocks('sh').flatMap((block) => block.match(/^npx esbuild .*$/gm) ?? []);
    expect(commands).toHaveLength(2);
    const esbuild = commands.map((command) =>
      command.replace('npx esbuild', bin('esbuild')).replace('=dist/', '=alone/'),
    );
    await Promise.all([
      ...esbuild.map((command) => promisify(exec)(command, { cwd: project })),
      run(process.execPath, ['bundle-workflows.js'], project),
    ]);
  }, 180_000);

  test.each(['worker.cjs', 'worker.mjs'])('awaits an operation as %s', async (file) => {
    expect(await readdir(alone)).toEqual(['node_modules', 'worker.cjs', 'worker.mjs', 'workflows.js']);
    const { output, code } = await start([file], process.env, alone).ended;
    const responses = output.split('\n').filter((line) => line.startsWith('{"@type"'));
    expect(responses.map((line): unknown => JSON.parse(line))).toEqual(
      Array(2).fill(expect.objectContaining({ id: 'enp1', createdAt: '9999-12-31T23:59:59Z' })),
    );
    expect(code).toBe(0);
  });
});
