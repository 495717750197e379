#!/usr/bin/env node
import { readFileSync } from 'fs';
import { Command } from 'commander';

// Commands are declared here and loaded when they run: --help answers without protobuf and gRPC.
const program = new Command('temporal-lro')
  .description('Long-running cloud operations in Temporal workflows')
  .version(version());

program
  .command('generate')
  .description('Write typed methods that start operations, and the descriptors a worker needs for them.')
  .argument(
    '<set...>',
    'FileDescriptorSets, as "buf build" or "protoc --include_imports --descriptor_set_out" write them',
  )
  .requiredOption('--out <directory>', 'where to write; files of former runs are overwritten, never deleted')
  .option('--only <prefix>', 'a package, service or method; may be repeated (default: all)', collect, [])
  .addHelpText(
    'after',
    `
One module for each proto package, such as <out>/yandex/cloud/k8s/v1.ts, and <out>/descriptors.binpb.
Comments come along where the sets have source info.

  temporal-lro generate all.binpb --only yandex.cloud.k8s.v1 --out src/cloud`,
  )
  .action(async (sets: string[], options: { out: string; only: string[] }) => {
    const { runGenerate } = await import('./generate.js');
    runGenerate(sets, options);
  });

void program.parseAsync();

function collect(value: string, former: string[]): string[] {
  return [...former, value];
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(require.resolve('temporal-lro/package.json'), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
}
