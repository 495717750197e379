import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { create, fromJson, toBinary, type JsonObject } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema, MethodOptionsSchema } from '@bufbuild/protobuf/wkt';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { DESCRIPTORS_FILE, generate } from '../src/codegen/generate';
import { loadDescriptors } from '../src/descriptors/load';
import { DescriptorRegistry } from '../src/descriptors/registry';
import { findOperationMethod } from '../src/descriptors/operation-method';

const MAIN = join(__dirname, '../src/cli/main.js');

/** Inside the package, so that the files can import it by name. */
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp('.cache/generate-');
  // With source info, which holds the comments.
  await run('npx', ['buf', 'build', 'proto', '--path', 'proto/fakecloud', '-o', `${directory}/set.binpb`]);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function run(command: string, args: string[]): Promise<{ stdout: string; stderr: string; failed: boolean }> {
  return promisify(execFile)(command, args).then(
    (output) => ({ ...output, failed: false }),
    (err: { stdout: string; stderr: string }) => ({ stdout: err.stdout, stderr: err.stderr, failed: true }),
  );
}

const cli = (...args: string[]) => run(process.execPath, [MAIN, 'generate', `${directory}/set.binpb`, ...args]);

test('the command writes modules that compile, and that are identical on the next run', async () => {
  const out = join(directory, 'src');
  const { stdout, failed } = await cli('--only', 'fakecloud.v1', '--out', out);
  expect(failed).toBe(false);
  expect(stdout).toMatch(
    /^7 methods of 3 services in 1 modules \([\d.]+ kB\) and \S+descriptors\.binpb \([\d.]+ kB\)$/m,
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

async function compilerErrors(module: string): Promise<string> {
  const options = [
    '--strict',
    '--exactOptionalPropertyTypes',
    '--noUncheckedIndexedAccess',
    '--noEmit',
    '--skipLibCheck',
    '--ignoreConfig',
  ];
  const tsc = [require.resolve('typescript/lib/tsc'), '--module', 'node16', '--target', 'es2022', '--types', 'node'];
  return (await run(process.execPath, [...tsc, ...options, module])).stdout;
}

test('a program that imports the package does not load the generator', async () => {
  const program = `require('${join(__dirname, '../src/index.js')}');
    console.log(Object.keys(require.cache).filter((path) => /src.codegen|protoplugin|typescript/.test(path)).length);`;
  expect((await run(process.execPath, ['-e', program])).stdout).toBe('0\n');
});

test('comments in the .proto are copied', () => {
  const { files } = generate(loadDescriptors([`${directory}/set.binpb`]), ['fakecloud']);
  const module = String(files.get('fakecloud/v1.ts'));
  expect(module).toContain('/**\n * A private network.\n */\nexport interface Network {');
  expect(module).toContain('  /**\n   * 0 to 100.\n   */\n  progressPercentage: Double;');
});

test('a method may have the name of a reserved word', () => {
  const { files } = generate(loadDescriptors([`${directory}/set.binpb`]), ['fakecloud.v1.ClusterService']);
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
  const full = loadDescriptors([`${directory}/set.binpb`]);
  const { files } = generate(full, ['fakecloud.v1.NetworkService.Create']);
  const set = files.get(DESCRIPTORS_FILE);
  if (!(set instanceof Uint8Array)) throw new Error('no descriptor set');
  const pruned = new DescriptorRegistry().add(set);
  expect(findOperationMethod(pruned, '/fakecloud.v1.NetworkService/Create')).toMatchObject({
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
])('--only %s selects %d methods', (only, methods) => {
  expect(generate(loadDescriptors([`${directory}/set.binpb`]), [only]).methods).toBe(methods);
});

test('--only with an unknown name lists the known ones', async () => {
  const { failed, stderr } = await cli('--only', 'fakecloud.v2', '--out', directory);
  expect(failed).toBe(true);
  expect(stderr).toMatch(
    /no method that starts an operation is within "fakecloud\.v2": fakecloud\.v1 has ClusterService, NetworkService, NodeGroupService/,
  );
});

test("Google's operations are read from their own option, and an unknown type name is reported", () => {
  const { files, problems } = generate(new DescriptorRegistry().add(googleSet(PRESS, 'Book', 'PrintProgress')));
  expect(String(files.get('books/v1.ts'))).toContain('readonly print: OperationMethod<PrintRequest, Book, AnyJson>;');
  expect(problems).toEqual([
    '/books.v1.Press/Print names PrintProgress, which is in none of the sets: AnyJson stands for it',
  ]);
});

test('--only with an empty prefix does not select everything', () => {
  expect(() => generate(loadDescriptors([`${directory}/set.binpb`]), [''])).toThrow(
    'is within "": fakecloud.v1 has ClusterService, NetworkService, NodeGroupService',
  );
});

const CLUSTER = { name: 'Cluster', field: [field('id', 1, 'TYPE_STRING')] };
const CLUSTER_INPUT = { name: 'ClusterInput', field: [field('size', 1, 'TYPE_INT32')] };
const DAY = { name: 'Double', field: [field('hours', 1, 'TYPE_DOUBLE'), field('any', 2, '.a.v1.any')] };
const COLLISIONS: [string, JsonObject[], JsonObject[], string[]][] = [
  [
    'a message that is called as another within a request',
    [
      { name: 'CreateRequest', field: [field('cluster', 1, '.a.v1.Cluster')] },
      { ...CLUSTER, field: [...CLUSTER.field, field('last_input', 2, '.a.v1.ClusterInput')] },
      CLUSTER_INPUT,
    ],
    [method('Create', 'CreateRequest')],
    ['cluster?: ClusterInput_ | undefined;', 'lastInput?: ClusterInput;'],
  ],
  [
    'a request that is called as the message in it',
    [CLUSTER, { name: 'ClusterInput', field: [field('cluster', 1, '.a.v1.Cluster')] }],
    [method('Create', 'ClusterInput')],
    ['create: OperationMethod<ClusterInput, Cluster, Cluster>;', 'cluster?: ClusterInput_ | undefined;'],
  ],
  [
    'a message that is called as a type of the library, and one as a keyword',
    [CLUSTER, DAY, { name: 'any' }],
    [method('Create', 'Double')],
    ['hours?: Double$1 | undefined;', 'export type any$ = {'],
  ],
  [
    'methods that differ in the case of their first letter',
    [CLUSTER, CLUSTER_INPUT],
    [method('Create', 'ClusterInput'), method('create', 'ClusterInput')],
    ['create: { path: "/a.v1.Clusters/Create" },', 'create_: { path: "/a.v1.Clusters/create" },'],
  ],
];

test.each(COLLISIONS)('%s makes way for it', async (_, messageType, methods, expected) => {
  const file = { name: 'a.proto', package: 'a.v1', messageType, service: [{ name: 'Clusters', method: methods }] };
  const { files } = generate(new DescriptorRegistry().add(googleSet(file, 'Cluster', 'Cluster')));
  const module = String(files.get('a/v1.ts'));
  for (const line of expected) expect(module).toContain(line);
  const path = join(directory, 'collision.ts');
  await writeFile(path, module);
  expect(await compilerErrors(path)).toBe('');
});

test('a method keeps its name when the methods before it are generated too', () => {
  const methods = [method('Create', 'ClusterInput'), method('create', 'ClusterInput')];
  const file = {
    name: 'a.proto',
    package: 'a.v1',
    messageType: [CLUSTER, CLUSTER_INPUT],
    service: [{ name: 'Clusters', method: methods }],
  };
  const { files } = generate(new DescriptorRegistry().add(googleSet(file, 'Cluster', 'Cluster')), [
    'a.v1.Clusters.create',
  ]);
  expect(String(files.get('a/v1.ts'))).toContain('create_: { path: "/a.v1.Clusters/create" },');
});

/** A field, which holds a message if `type` begins with a dot. */
function field(name: string, number: number, type: string): JsonObject {
  const typed = type.startsWith('.') ? { type: 'TYPE_MESSAGE', typeName: type } : { type };
  return { name, number, label: 'LABEL_OPTIONAL', ...typed };
}

function method(name: string, request: string): JsonObject {
  return { name, inputType: `.a.v1.${request}`, outputType: '.google.longrunning.Operation' };
}

const PRESS = {
  name: 'books/v1/press.proto',
  package: 'books.v1',
  messageType: [{ name: 'PrintRequest' }, { name: 'Book', field: [field('title', 1, 'TYPE_STRING')] }],
  service: [
    {
      name: 'Press',
      method: [{ name: 'Print', inputType: '.books.v1.PrintRequest', outputType: '.google.longrunning.Operation' }],
    },
  ],
};

/** A file in the style of google.longrunning, whose set does not define the option that its methods use. */
function googleSet(contents: JsonObject, response: string, metadata: string): Uint8Array {
  const file = fromJson(FileDescriptorProtoSchema, {
    syntax: 'proto3',
    dependency: ['google/longrunning/operations.proto'],
    ...contents,
  });
  const info = new BinaryWriter().tag(1, WireType.LengthDelimited).string(response).tag(2, WireType.LengthDelimited);
  const option = new BinaryWriter().bytes(info.string(metadata).finish()).finish();
  const options = create(MethodOptionsSchema);
  options.$unknown = [{ no: 1049, wireType: WireType.LengthDelimited, data: option }];
  for (const service of file.service) for (const method of service.method) method.options = options;
  const operations = fromJson(FileDescriptorProtoSchema, {
    name: 'google/longrunning/operations.proto',
    package: 'google.longrunning',
    syntax: 'proto3',
    messageType: [{ name: 'Operation' }],
  });
  return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [operations, file] }));
}
