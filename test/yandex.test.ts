import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { fromBinary, toJson, type DescMessage } from '@bufbuild/protobuf';
import { generate } from '../src/codegen/generate';
import { bytesToJson } from '../src/descriptors/any-to-json';
import { jsonToRequest } from '../src/descriptors/json-to-request';
import { readDescriptors } from '../src/descriptors/load';
import { yandexApi } from '../src/apis/yandex';
import { operationMethods, type OperationMethodTypes } from '../src/descriptors/operation-method';
import type { DescriptorRegistry } from '../src/descriptors/registry';
import { canonicalJson, seededRandom } from './support/canonical-json';
import { interopDescriptors } from './support/generated-code';

// All services that Yandex publishes: some 1,280 methods that start operations.
let registry: DescriptorRegistry;
let methods: OperationMethodTypes[];
beforeAll(async () => {
  registry = readDescriptors([await interopDescriptors('yandex')]);
  methods = [...registry.services()].flatMap((service) => operationMethods(registry, service, [yandexApi.starts]));
}, 60_000);

test('every method resolves, generates and type-checks', async () => {
  const { files, starts, others, streaming, problems } = generate(registry);
  expect(problems).toEqual([]);
  expect(starts).toBe(methods.length);
  expect(starts).toBeGreaterThan(1_200);
  const all = [...registry.services()].flatMap((service) => service.methods);
  expect(starts + others + streaming.length).toBe(all.length);
  expect(streaming.length).toBe(all.filter(({ methodKind }) => methodKind !== 'unary').length);
  await mkdir('.cache', { recursive: true });
  const directory = await mkdtemp('.cache/yandex-');
  try {
    for (const [path, content] of files) {
      const target = join(directory, path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
    }
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: true,
      module: 'node16',
      types: [],
    };
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['**/*.ts'] }));
    const tsc = [require.resolve('typescript/lib/tsc'), '--project', directory];
    const { stdout } = await promisify(execFile)(process.execPath, tsc).catch((err: { stdout: string }) => err);
    expect(stdout).toBe('');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('one service takes at most 45 kB of TypeScript', () => {
  const { files, starts, others } = generate(registry, ['yandex.cloud.k8s.v1']);
  expect(starts).toBeGreaterThan(10);
  expect(others).toBeGreaterThan(10);
  const modules = [...files].filter(([path]) => path.endsWith('.ts'));
  const bytes = modules.reduce((sum, [, content]) => sum + Buffer.byteLength(content), 0);
  expect(bytes).toBeLessThan(45_000);
});

test('a message of every type survives the round trip from JSON to bytes and back, and is read as protobuf itself reads it', () => {
  const types = new Set<DescMessage>();
  for (const { method, responseType, metadataType } of methods) {
    for (const type of [method.input, responseType, metadataType]) {
      if (type && !type.typeName.startsWith('google.protobuf.')) types.add(type);
    }
  }
  expect(types.size).toBeGreaterThan(2_000);
  const random = seededRandom(87334);
  const changed: string[] = [];
  for (const type of types) {
    const json = canonicalJson(type, random);
    const bytes = jsonToRequest(type, json, registry);
    const message = fromBinary(type, bytes);
    const back = toJson(type, message, { registry });
    // As text, since own properties named __proto__ are compared too.
    if (sorted(back) !== sorted(json)) changed.push(`${type.typeName}: ${sorted(json)} became ${sorted(back)}`);
    const read = sorted(bytesToJson(type, bytes, registry));
    if (read !== sorted(toJson(type, message, { registry, alwaysEmitImplicit: true }))) {
      changed.push(`${type.typeName}: ${sorted(json)} was read as ${read}`);
    }
  }
  expect(changed).toEqual([]);
});

/** The JSON as text with sorted keys. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}:${sorted(member)}`);
  return `{${members.sort().join()}}`;
}
