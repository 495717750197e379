// npm run bench:generate, after a build: measures the code generation for all of Yandex Cloud's descriptors, and its
// output.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { DESCRIPTORS_FILE, generate, type Generated } from '../src/codegen/generate';
import { readDescriptors } from '../src/descriptors/load';
import { DescriptorRegistry } from '../src/descriptors/registry';
import { interopDescriptors } from '../test/support/generated-code';

const SERVICE = 'yandex.cloud.k8s.v1';
const MB = 1e6;

interface Row {
  figure: string;
  measured: string;
  limit: string;
}

const rows: Row[] = [];
const note = (figure: string, value: number, limit: number, unit: string): void => {
  rows.push({ figure, measured: `${value.toPrecision(3)} ${unit}`, limit: `${limit} ${unit}` });
  if (value > limit) process.exitCode = 1;
};

/** The CPU seconds of this process, which exclude other processes of the machine. */
function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function typeScriptBytes({ files }: Generated): number {
  return [...files].reduce(
    (sum, [path, content]) => (path.endsWith('.ts') ? sum + Buffer.byteLength(content) : sum),
    0,
  );
}

function write({ files }: Generated, directory: string): void {
  for (const [path, content] of files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function measureRegistry(set: Uint8Array): void {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const runs = Array.from({ length: 5 }, () => cpuSeconds(() => new DescriptorRegistry().add(set)) * 1000);
  const registry = new DescriptorRegistry().add(set);
  collectGarbage();
  note('registry of all: index, first time', Math.max(...runs), 50, 'ms CPU');
  note('registry of all: heap before first use', (process.memoryUsage().heapUsed - before) / MB, 5, 'MB');
  if (!registry.getService(`${SERVICE}.ClusterService`)) throw new Error('the registry is empty');
}

async function measureTypeCheck(directory: string): Promise<void> {
  const compilerOptions = { strict: true, noEmit: true, skipLibCheck: true, module: 'node16', types: [] };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['**/*.ts'] }));
  const tsc = [require.resolve('typescript/lib/tsc'), '--project', directory, '--extendedDiagnostics'];
  const { stdout } = await promisify(execFile)(process.execPath, tsc);
  const figure = (name: string): number => Number(new RegExp(`^${name}:\\s+([\\d.]+)`, 'm').exec(stdout)?.[1]);
  note('tsc of all: time', figure('Total time'), 8, 's');
  note('tsc of all: memory', (figure('Memory used') * 1024) / MB, 200, 'MB');
}

/** The size of a bundle in bytes, without its source map. */
async function bundleBytes(directory: string, code: string): Promise<number> {
  const workflowsPath = join(directory, 'workflows.ts');
  writeFileSync(workflowsPath, code);
  const bundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  return Buffer.byteLength(bundle.code.replace(/^\/\/# sourceMappingURL=.*$/m, ''));
}

async function measureBundle(directory: string): Promise<void> {
  const workflow = (imported: string, method: string): string =>
    `import { operations } from 'temporal-lro/workflow';\n${imported}
export const workflow = () => operations('yandex').execute(${method}, { folderId: 'b1g', name: 'n' });\n`;
  const byPath = await bundleBytes(directory, workflow('', `'/${SERVICE}.ClusterService/Create'`));
  const typed = await bundleBytes(
    directory,
    workflow(`import { ClusterService } from './${SERVICE.replaceAll('.', '/')}';`, 'ClusterService.create'),
  );
  note('bundle growth by one typed method', (typed - byPath) / 1000, 12, 'kB');
}

async function main(): Promise<void> {
  const set = readFileSync(await interopDescriptors('yandex'));
  measureRegistry(set);
  mkdirSync('.cache', { recursive: true });
  const directory = mkdtempSync(resolve('.cache/bench-generate-'));
  try {
    let all: Generated | undefined;
    const seconds = cpuSeconds(() => (all = generate(readDescriptors([set]))));
    if (!all) throw new Error('nothing was generated');
    note(`all ${all.starts + all.others} methods: generation`, seconds, 6, 's CPU');
    note('all: TypeScript', typeScriptBytes(all) / MB, 2.2, 'MB');
    write(all, join(directory, 'all'));
    await measureTypeCheck(join(directory, 'all'));
    const one = generate(readDescriptors([set]), [SERVICE]);
    note(`${SERVICE}: TypeScript`, typeScriptBytes(one) / 1000, 45, 'kB');
    note(`${SERVICE}: descriptor set`, (one.files.get(DESCRIPTORS_FILE)?.length ?? 0) / 1000, 60, 'kB');
    write(one, join(directory, 'one'));
    await measureBundle(join(directory, 'one'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  console.table(rows);
}

void main();
