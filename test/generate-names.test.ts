import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '@bufbuild/protobuf';
import { generate } from '../src/codegen/generate';
import { DescriptorRegistry } from '../src/descriptors/registry';
import { compilerErrors } from './support/compiler';
import { field, googleSet } from './support/google-set';

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

const collisionModule = (messageType: JsonObject[], methods: JsonObject[]): string => {
  const file = { name: 'a.proto', package: 'a.v1', messageType, service: [{ name: 'Clusters', method: methods }] };
  const { files } = generate(new DescriptorRegistry().add(googleSet(file, 'Cluster', 'Cluster')), ['a.v1']);
  return String(files.get('a/v1.ts'));
};

test.each(COLLISIONS)('%s makes way for it', (_, messageType, methods, expected) => {
  const module = collisionModule(messageType, methods);
  for (const line of expected) expect(module).toContain(line);
});

test('modules with names that make way compile', async () => {
  await mkdir('.cache', { recursive: true });
  const directory = await mkdtemp('.cache/generate-names-');
  const paths = COLLISIONS.map((_, i) => join(directory, `collision-${i}.ts`));
  for (const [i, [, messageType, methods]] of COLLISIONS.entries()) {
    await writeFile(String(paths[i]), collisionModule(messageType, methods));
  }
  try {
    expect(await compilerErrors(...paths)).toBe('');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
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
function method(name: string, request: string): JsonObject {
  return { name, inputType: `.a.v1.${request}`, outputType: '.google.longrunning.Operation' };
}
