import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { DESCRIPTORS_FILE, generate } from '../src/codegen/generate';
import { readDescriptors } from '../src/descriptors/load';
import { DescriptorRegistry } from '../src/descriptors/registry';
import { yandexApi } from '../src/apis/yandex';
import { findOperationMethod } from '../src/descriptors/operation-method';
import { compilerErrors, run } from './support/compiler';
import { field, googleSet } from './support/google-set';

const MAIN = join(__dirname, '../src/cli/main.js');

/** Inside the package, so that the files can import it by name. */
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp('.cache/generate-');
  // With source info, which holds the comments.
  await run('npx', ['buf', 'build', 'proto', '--path', 'proto/fakecloud', '-o', `${directory}/set.binpb`]);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const cli = (...args: string[]) => run(process.execPath, [MAIN, 'generate', `${directory}/set.binpb`, ...args]);

test('the command writes modules that compile, and that are identical on the next run', async () => {
  const out = join(directory, 'src');
  const { stdout, failed } = await cli('--only', 'fakecloud.v1', '--out', out);
  expect(failed).toBe(false);
  expect(stdout).toMatch(
    /^\d+ methods of 3 services, 7 of which start operations, in 1 module \([\d.]+ kB\) and \S+descriptors\.binpb \([\d.]+ kB\)$/m,
  );
  const module = join(out, 'fakecloud/v1.ts');
  const first = await readFile(module, 'utf8');
  await cli('--only', 'fakecloud.v1', '--out', out);
  expect(await readFile(module, 'utf8')).toBe(first);

  // The editor errors: each of these lines is an error, and no other line is.
  await writeFile(
    join(out, 'check.ts'),
    `import { operations } from 'temporal-lro/workflow';
import { ClusterService, NodeGroupService } from './fakecloud/v1.js';
const cloud = operations('cloud');
export async function check(): Promise<string> {
  // @ts-expect-error: a typo
  await cloud.execute(ClusterService.create, { nmae: 'n' });
  // @ts-expect-error: no such type
  await cloud.execute(ClusterService.create, { name: 5 });
  // @ts-expect-error: 64 bits need a string
  await cloud.execute(NodeGroupService.create, { size: 3 });
  // @ts-expect-error: of another method
  await cloud.execute(ClusterService.delete, { name: 'n' });
  const absent: string | undefined = undefined;
  const cluster = await cloud.execute(ClusterService.create, { name: 'n', version: absent });
  // @ts-expect-error: no such status
  if (cluster.status === 'BROKEN') return '';
  // @ts-expect-error: no such field
  cluster.nodes;
  const started = await cloud.start(NodeGroupService.create, { size: '3' });
  const id: string | undefined = started.operation.metadata?.nodeGroupId;
  const waited = await cloud.wait('id', { method: NodeGroupService.create });
  return cluster.status + cluster.id + waited.size + id;
}
`,
  );
  expect(await compilerErrors(join(out, 'check.ts'))).toBe('');
});

test('methods that start no operation are typed, and streaming methods are listed and left out', async () => {
  const set = join(directory, 'press.binpb');
  await writeFile(set, googleSet(PRESS, 'Book', 'Book'));
  const { stdout } = await run(process.execPath, [MAIN, 'generate', set, '--only', 'books', '--out', directory]);
  expect(stdout).toContain('3 methods of 1 service, 1 of which start operations, in 1 module ');
  expect(stdout).toContain('left out, because they stream: /books.v1.Press/WatchBook\n');
  const module = await readFile(join(directory, 'books/v1.ts'), 'utf8');
  expect(module).toContain('readonly getBook: UnaryMethod<GetBookRequest, Book>;');
  // The reply to a call is an object, so JSON that is none is its value.
  expect(module).toContain('readonly countBooks: UnaryMethod<PrintRequest, { value: string }>;');
  expect(module).not.toContain('WatchBook');
  await writeFile(
    join(directory, 'match.ts'),
    `import { operations } from 'temporal-lro/workflow';
import { Press } from './books/v1.js';
const { until } = operations('cloud');
// Each of these lines is an error, and no other line is.
void until(Press.getBook, { title: 't' }, { match: { stage: 'PRINTED', sequel: { editions: { stage: ['DRAFT'] } } } });
// @ts-expect-error: a typo
void until(Press.getBook, { title: 't' }, { match: { satge: 'PRINTED' } });
// @ts-expect-error: a typo in an enum value
void until(Press.getBook, { title: 't' }, { match: { stage: 'PRINTD' } });
// @ts-expect-error: a typo in a list of enum values
void until(Press.getBook, { title: 't' }, { match: { stage: ['PRINTED', 'DRAFTT'] } });
// @ts-expect-error: a typo in a message of the same type
void until(Press.getBook, { title: 't' }, { match: { sequel: { titel: '' } } });
// @ts-expect-error: a typo in a list element
void until(Press.getBook, { title: 't' }, { match: { editions: { stage: 'PRINTD' } } });
// @ts-expect-error: a typo in the request
void until(Press.getBook, { titel: 't' }, { match: {} });
export const title: Promise<string> = until(Press.getBook, {}, { match: {} }).then((book) => book.title);
`,
  );
  expect(await compilerErrors(join(directory, 'match.ts'))).toBe('');
});

test('--js writes what Node loads in a package of either type, with types for editors', async () => {
  const checks: string[] = [];
  for (const [type, programs] of [
    ['commonjs', ['a.cjs', 'a.mjs']],
    ['module', ['a.mjs']],
  ] as const) {
    const project = await mkdtemp(join(directory, 'js-'));
    await writeFile(join(project, 'package.json'), JSON.stringify({ type }));
    await mkdir(join(project, 'node_modules'));
    await symlink(resolve('.'), join(project, 'node_modules/temporal-lro'));
    await cli('--only', 'fakecloud.v1', '--js', '--out', join(project, 'src/cloud'));
    const module = './src/cloud/fakecloud/v1.js';
    const use = (text: string) => `${text}; console.log(ClusterService.create.path)`;
    await writeFile(join(project, 'a.mjs'), use(`import { ClusterService } from '${module}'`));
    await writeFile(join(project, 'a.cjs'), use(`const { ClusterService } = require('${module}')`));
    for (const program of programs) {
      const { stdout } = await run(process.execPath, [join(project, program)]);
      expect([type, program, stdout]).toEqual([type, program, '/fakecloud.v1.ClusterService/Create\n']);
    }
    checks.push(join(project, 'check.js'));
    await writeFile(
      join(project, 'check.js'),
      `import { operations } from 'temporal-lro/workflow';
import { ClusterService } from '${module}';
/** @returns {Promise<string>} */
export async function check() {
  // @ts-expect-error: a typo
  await operations('cloud').execute(ClusterService.create, { nmae: 'n' });
  const cluster = await operations('cloud').execute(ClusterService.create, { name: 'n' });
  return cluster.id;
}
`,
    );
  }
  expect(await compilerErrors('--allowJs', '--checkJs', ...checks)).toBe('');
});

test('a program that imports the package does not load the generator', async () => {
  const program = `require('${join(__dirname, '../src/index.js')}');
    console.log(Object.keys(require.cache).filter((path) => /src.codegen|protoplugin|typescript/.test(path)).length);`;
  expect((await run(process.execPath, ['-e', program])).stdout).toBe('0\n');
});

test('comments in the .proto are copied', () => {
  const { files } = generate(readDescriptors([`${directory}/set.binpb`]), ['fakecloud']);
  const module = String(files.get('fakecloud/v1.ts'));
  expect(module).toContain('/**\n * A private network.\n */\nexport interface Network {');
  expect(module).toContain('  /**\n   * 0 to 100.\n   */\n  progressPercentage: Double;');
});

test('a method may have the name of a reserved word', () => {
  const { files } = generate(readDescriptors([`${directory}/set.binpb`]), ['fakecloud.v1.ClusterService']);
  expect(String(files.get('fakecloud/v1.ts'))).toContain('delete: { path: "/fakecloud.v1.ClusterService/Delete" },');
});

test('a workflow that uses a typed method bundles without protobuf', async () => {
  const workflowsPath = require.resolve('../examples/starting/workflows');
  const logger = new DefaultLogger('ERROR');
  const { code } = await bundleWorkflowCode({ workflowsPath, ignoreModules: [], logger });
  expect(code).toContain('/fakecloud.v1.ClusterService/Create');
  expect(code).not.toMatch(/node_modules\/(@bufbuild|@grpc|protobufjs)/);
});

test('the descriptor set next to the modules contains exactly what a worker needs', () => {
  const full = readDescriptors([`${directory}/set.binpb`]);
  const { files } = generate(full, ['fakecloud.v1.NetworkService.Create']);
  const set = files.get(DESCRIPTORS_FILE);
  if (!(set instanceof Uint8Array)) throw new Error('no descriptor set');
  const pruned = new DescriptorRegistry().add(set);
  expect(findOperationMethod(pruned, '/fakecloud.v1.NetworkService/Create', yandexApi.starts)).toMatchObject({
    path: '/fakecloud.v1.NetworkService/Create',
    unresolved: [],
  });
  expect(pruned.getMessage('google.rpc.BadRequest')).toBeUndefined();
  expect(Buffer.from(set).includes('A private network')).toBe(false);
});

test.each([
  ['fakecloud.v1.NetworkService', 2],
  ['fakecloud.v1.NetworkService.Create', 1],
  ['/fakecloud.v1.NetworkService/Create', 1],
  ['fakecloud', 7],
])('--only %s selects %d methods that start operations', (only, starts) => {
  expect(generate(readDescriptors([`${directory}/set.binpb`]), [only]).starts).toBe(starts);
});

test('--only with an unknown name lists the known ones', async () => {
  const { failed, stderr } = await cli('--only', 'fakecloud.v2', '--out', directory);
  expect(failed).toBe(true);
  expect(stderr).toMatch(
    /no method is within "fakecloud\.v2": fakecloud\.v1 has ClusterService, NetworkService, NodeGroupService/,
  );
});

test("Google's operations are read from their own option, and an unknown type name is reported", () => {
  const { files, problems } = generate(new DescriptorRegistry().add(googleSet(PRESS, 'Book', 'PrintProgress')));
  expect(String(files.get('books/v1.ts'))).toContain('readonly print: OperationMethod<PrintRequest, Book, AnyJson>;');
  expect(problems).toEqual([
    '/books.v1.Press/Print names PrintProgress, which is in none of the sets: AnyJson stands for it',
  ]);
});

test.each([
  ['books.v1.Press.WatchBook', '/books.v1.Press/WatchBook: only streaming methods'],
  [
    'books.v1.Press.Burn',
    'no method is within "books.v1.Press.Burn": books.v1.Press has CountBooks, GetBook, Print, WatchBook',
  ],
])('--only %s has nothing to generate', (only, problem) => {
  const registry = new DescriptorRegistry().add(googleSet(PRESS, 'Book', 'Book'));
  expect(() => generate(registry, [only])).toThrow(problem);
});

test('--only with an empty prefix does not select everything', () => {
  expect(() => generate(readDescriptors([`${directory}/set.binpb`]), [''])).toThrow(
    'is within "": fakecloud.v1 has ClusterService, NetworkService, NodeGroupService',
  );
});

const PRESS = {
  name: 'books/v1/press.proto',
  package: 'books.v1',
  dependency: ['google/longrunning/operations.proto', 'google/protobuf/wrappers.proto'],
  enumType: [{ name: 'Stage', value: ['DRAFT', 'PRINTED'].map((name, number) => ({ name, number })) }],
  messageType: [
    { name: 'PrintRequest' },
    { name: 'GetBookRequest', field: [field('title', 1, 'TYPE_STRING')] },
    {
      name: 'Book',
      field: [
        field('title', 1, 'TYPE_STRING'),
        { ...field('stage', 2, 'TYPE_ENUM'), typeName: '.books.v1.Stage' },
        field('sequel', 3, '.books.v1.Book'),
        { ...field('editions', 4, '.books.v1.Book'), label: 'LABEL_REPEATED' },
      ],
    },
  ],
  service: [
    {
      name: 'Press',
      method: [
        { name: 'Print', inputType: '.books.v1.PrintRequest', outputType: '.google.longrunning.Operation' },
        { name: 'GetBook', inputType: '.books.v1.GetBookRequest', outputType: '.books.v1.Book' },
        { name: 'CountBooks', inputType: '.books.v1.PrintRequest', outputType: '.google.protobuf.Int64Value' },
        {
          name: 'WatchBook',
          inputType: '.books.v1.GetBookRequest',
          outputType: '.books.v1.Book',
          serverStreaming: true,
        },
      ],
    },
  ],
};
