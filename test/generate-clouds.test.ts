import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BUILT_IN_APIS } from '../src/apis/built-in';
import { chooseReader } from '../src/codegen/choose-reader';
import { DESCRIPTORS_FILE, generate } from '../src/codegen/generate';
import { SelectionError } from '../src/codegen/select';
import { readDescriptors } from '../src/descriptors/load';
import { findOperationMethod } from '../src/descriptors/operation-method';
import { DescriptorRegistry } from '../src/descriptors/registry';
import { compilerErrors, run } from './support/compiler';
import { interopDescriptors } from './support/generated-code';

type Cloud = 'google' | 'nebius' | 'temporalCloud';

const CLOUDS: readonly Cloud[] = ['google', 'nebius', 'temporalCloud'];
const LOGS = 'nebius.logging.v1.LogExportService';
const MAIN = join(__dirname, '../src/cli/main.js');

/** Inside the package, so that the files can import it by name. */
let directory: string;
/** What a worker loads: the generated sets. */
const workers = new Map<Cloud, DescriptorRegistry>();

// All services in the clouds' own descriptors.
beforeAll(async () => {
  await mkdir('.cache', { recursive: true });
  directory = await mkdtemp('.cache/generate-clouds-');
  for (const cloud of CLOUDS) {
    const { files, problems } = generate(readDescriptors([await interopDescriptors(cloud)]));
    expect(problems).toEqual([]);
    for (const [path, content] of files) {
      const target = join(directory, cloud, path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
    }
    workers.set(cloud, readDescriptors([join(directory, cloud, DESCRIPTORS_FILE)]));
  }
}, 60_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

test('the methods of Google, Nebius and Temporal Cloud have the types of their requests and results', async () => {
  await writeFile(
    join(directory, 'check.ts'),
    `import { operations } from 'temporal-lro/workflow';
import { CloudRedis, type Instance } from './google/google/cloud/redis/v1.js';
import { AccessKeyService, type AccessKey } from './nebius/nebius/iam/v1.js';
import { DiskService, type Disk } from './nebius/nebius/compute/v1.js';
import { CloudService } from './temporalCloud/temporal/api/cloud/cloudservice/v1.js';
import type { ApiKey } from './temporalCloud/temporal/api/cloud/identity/v1.js';
import type { Namespace } from './temporalCloud/temporal/api/cloud/namespace/v1.js';
const { call, execute, start } = operations('cloud');
// Each of these lines is an error, and no other line is.
export async function check() {
  const instance: Instance = await execute(CloudRedis.createInstance, { parent: 'p', instanceId: 'i', instance: {} });
  // @ts-expect-error: Google requires the parent
  await execute(CloudRedis.createInstance, { instanceId: 'i', instance: {} });
  // An update may omit what is required of a whole instance.
  await execute(CloudRedis.updateInstance, { updateMask: 'displayName', instance: { name: 'n', displayName: 'd' } });
  const google = await start(CloudRedis.deleteInstance, { name: 'n' });
  const verb: string | undefined = google.operation.metadata?.verb;
  const disk: Disk = await execute(DiskService.create, { metadata: { parentId: 'p' }, spec: { sizeGibibytes: '10' } });
  // @ts-expect-error: the result is the disk, and not its spec
  disk.sizeGibibytes;
  const deleted = await execute(DiskService.delete, { id: disk.metadata?.id });
  // @ts-expect-error: there is no disk any more
  deleted.metadata;
  const accessKey: AccessKey = await execute(AccessKeyService.create, {});
  const namespace: Namespace = await execute(CloudService.createNamespace, { spec: { name: 'n' } });
  // @ts-expect-error: the result is the namespace, and not the reply of GetNamespace
  namespace.namespace.namespace;
  const updated: Namespace = await execute(CloudService.updateNamespace, { namespace: namespace.namespace });
  const read = await call(CloudService.getNamespace, { namespace: updated.namespace });
  const region: string | undefined = read.namespace?.activeRegion;
  // @ts-expect-error: a typo
  await call(CloudService.getNamespace, { nmaespace: 'n' });
  const apiKey: ApiKey = await execute(CloudService.createApiKey, {});
  // @ts-expect-error: a typo
  await execute(CloudService.createNamespace, { sepc: {} });
  return [instance.name, verb, accessKey, region, apiKey];
}
`,
  );
  expect(await compilerErrors(join(directory, 'check.ts'))).toBe('');
});

const REDIS = 'google.cloud.redis.v1.CloudRedis';
const TEMPORAL = 'temporal.api.cloud.cloudservice.v1.CloudService';
const EMPTY = { responseType: 'google.protobuf.Empty', resource: undefined };

test.each<[Cloud, string, object]>([
  ['google', `${REDIS}/CreateInstance`, { responseType: 'google.cloud.redis.v1.Instance', resource: undefined }],
  ['google', `${REDIS}/DeleteInstance`, EMPTY],
  ['nebius', 'nebius.compute.v1.DiskService/Create', { responseType: 'nebius.compute.v1.Disk', resource: 'Get(id)' }],
  ['nebius', 'nebius.compute.v1.DiskService/Delete', EMPTY],
  ['nebius', 'nebius.mk8s.v1.ClusterService/Update', { responseType: 'nebius.mk8s.v1.Cluster', resource: 'Get(id)' }],
  ['nebius', 'nebius.storage.v1.BucketService/Purge', EMPTY],
  ['nebius', 'nebius.iam.v1.AccessKeyService/Create', { resource: 'GetById(id)' }],
  // A backup has two IDs, and an operation has only one.
  ['nebius', 'nebius.msp.postgresql.v1alpha1.BackupService/Create', EMPTY],
  [
    'temporalCloud',
    `${TEMPORAL}/CreateNamespace`,
    {
      operationField: 2,
      responseType: 'temporal.api.cloud.namespace.v1.Namespace',
      resource: 'GetNamespace(namespace).namespace',
      idFrom: 'reply.namespace',
    },
  ],
  [
    'temporalCloud',
    `${TEMPORAL}/UpdateNamespace`,
    { operationField: 1, resource: 'GetNamespace(namespace).namespace', idFrom: 'request.namespace' },
  ],
  [
    'temporalCloud',
    `${TEMPORAL}/CreateApiKey`,
    { operationField: 3, resource: 'GetApiKey(key_id).api_key', idFrom: 'reply.key_id' },
  ],
  ['temporalCloud', `${TEMPORAL}/DeleteNamespace`, { operationField: 1, ...EMPTY }],
  // A sink has two IDs.
  ['temporalCloud', `${TEMPORAL}/UpdateNamespaceExportSink`, EMPTY],
])('a worker of %s finds in the generated descriptors what %s results in', (cloud, path, expected) => {
  const found = findIn(cloud, path);
  if (typeof found === 'string') throw new Error(found);
  const { resource, operationField, responseType } = found;
  expect({
    operationField: operationField?.number,
    responseType: responseType?.typeName,
    resource:
      resource && `${resource.method.name}(${resource.id.name})${resource.field ? `.${resource.field.name}` : ''}`,
    idFrom: resource?.idFrom && `${resource.idFrom.in}.${resource.idFrom.field.name}`,
  }).toMatchObject(expected);
});

const findIn = (cloud: Cloud, path: string) =>
  findOperationMethod(workers.get(cloud) ?? new DescriptorRegistry(), path, BUILT_IN_APIS[cloud]().starts);

test.each<[Cloud, string]>([
  ['google', 'google.longrunning.Operations/GetOperation'],
  ['google', `${REDIS}/GetInstance`],
  ['nebius', 'nebius.common.v1.OperationService/Get'],
  ['nebius', 'nebius.compute.v1.DiskService/Get'],
  ['temporalCloud', `${TEMPORAL}/GetAsyncOperation`],
  ['temporalCloud', `${TEMPORAL}/GetNamespace`],
])('in %s, %s starts nothing', (cloud, path) => {
  expect(findIn(cloud, path)).toMatch(/does not return an operation: it returns/);
});

test('--read names the method that reads a result, and workers find it in the generated descriptors', async () => {
  const out = join(directory, 'read');
  const set = await interopDescriptors('nebius');
  const args = ['generate', set, '--only', LOGS, '--read', `${LOGS}.ExportLogs=/${LOGS}/GetExportInfo`, '--out', out];
  expect(await run(process.execPath, [MAIN, ...args])).toMatchObject({ failed: false });
  const nebius = BUILT_IN_APIS.nebius().starts;
  const found = findOperationMethod(readDescriptors([join(out, DESCRIPTORS_FILE)]), `${LOGS}/ExportLogs`, nebius);
  expect(found).toMatchObject({
    responseType: { typeName: 'nebius.logging.v1.ExportStatus' },
    resource: { method: { name: 'GetExportInfo' }, id: { name: 'export_operation_id' } },
  });
});

test.each([
  ['nonsense', 'is not a method path'],
  [`${LOGS}.ExportLogs`, 'give <start>=<reader>'],
  [`${LOGS}.ExportLogs=${LOGS}.Get`, `${LOGS} has no method Get`],
  [`${LOGS}.GetExportInfo=${LOGS}.GetExportInfo`, 'GetExportInfo starts no operation'],
  [`${LOGS}.ExportLogs=nebius.compute.v1.DiskService.List`, 'List cannot read the result of ExportLogs'],
])('--read %s is refused: %s', async (choice, problem) => {
  const registry = readDescriptors([await interopDescriptors('nebius')]);
  const choose = (): void => chooseReader(registry, choice);
  expect(choose).toThrow(SelectionError);
  expect(choose).toThrow(problem);
});
