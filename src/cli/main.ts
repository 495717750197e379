#!/usr/bin/env node
import { readFileSync } from 'fs';
import { Command, Option } from 'commander';
import type { AwaitOptions } from './await';
import type { WaitCommandOptions } from './cancel';
import type { ListOptions } from './list';
import type { OrphansOptions } from './orphans';

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

const EXIT_CODES = `
Exit codes: 0 succeeded, 2 failed, 3 cancelled, 4 timed out, 5 not found, 6 still running after a cancellation,
7 unreadable, 8 refused by the cloud, 9 wrong configuration, 130 detached, 1 anything else.`;

connected('await')
  .description('Wait for an operation by a workflow of its own, and show how far it is.')
  .argument('<operation>', 'the id that the cloud returned')
  .requiredOption('--cloud <name>', 'the cloud, by the name that the worker configures')
  .option('--task-queue <name>', 'of a worker that serves temporal-lro/workflow-definitions', 'temporal-lro')
  .option('--timeout <duration>', 'how long the wait may take, such as "30 min" (default: no limit)')
  .addOption(new Option('--on-timeout <what>', 'what becomes of the operation then').choices(['fail', 'cancel']))
  .option('--summary <text>', 'what the Temporal UI calls the wait')
  .option('--search-attributes', 'set OperationCloud, OperationId, OperationState and OperationResource')
  .option('--cancel-on-interrupt', 'Ctrl-C cancels the operation; without it, Ctrl-C leaves the wait alone')
  .option('--json', 'one JSON object a line on stdout')
  .addHelpText('after', EXIT_CODES)
  .action(async (operationId: string, options: AwaitOptions) => {
    const { runAwait } = await import('./await.js');
    process.exitCode = await runAwait(operationId, options);
  });

connected('get')
  .description('Show an operation as its wait last saw it, and what keeps it from being polled.')
  .argument('<operation>', 'its id')
  .requiredOption('--cloud <name>', 'the cloud, by the name that the worker configures')
  .option('--json', 'the snapshot as JSON; its state is null where it is not known')
  .action(async (operationId: string, options: WaitCommandOptions) => {
    const { runGet } = await import('./get.js');
    process.exitCode = await runGet(operationId, options);
  });

connected('cancel')
  .description('Cancel a wait and its operation, and show what becomes of it.')
  .argument('<operation>', 'its id')
  .requiredOption('--cloud <name>', 'the cloud, by the name that the worker configures')
  .option('--json', 'one JSON object a line on stdout')
  .addHelpText(
    'after',
    EXIT_CODES.replace('0 succeeded', '0 cancelled').replace('3 cancelled', '10 succeeded before that'),
  )
  .action(async (operationId: string, options: WaitCommandOptions) => {
    const { runCancel } = await import('./cancel.js');
    process.exitCode = await runCancel(operationId, options);
  });

connected('list')
  .description('List the workflows of the types awaitOperation and executeOperation that run now.')
  .option('--cloud <name>', 'of one cloud (default: all)')
  .option('--json', 'one JSON object a line')
  .addHelpText(
    'after',
    `
Waits within workflows of your own are no workflows of theirs, and are not listed: look for them in those workflows.`,
  )
  .action(async (options: ListOptions) => {
    const { runList } = await import('./list.js');
    process.exitCode = await runList(options);
  });

connected('orphans')
  .description('Find operations that go on although the workflows that started or awaited them have closed.')
  .requiredOption('--cloud <name>', 'the cloud, by the name that the worker configures')
  .option('--since <duration>', 'how long ago the workflows may have closed', '24h')
  .option('--task-queue <name>', 'of a worker that configures the cloud', 'temporal-lro')
  .option('--cancel', 'cancel these operations')
  .option('--json', 'one JSON object a line')
  .addHelpText('after', `\nExit codes: 0 none goes on, 11 some do, 9 wrong configuration, 1 anything else.`)
  .action(async (options: OrphansOptions) => {
    const { runOrphans } = await import('./orphans.js');
    process.exitCode = await runOrphans(options);
  });

program
  .parseAsync()
  .catch((err: unknown) => {
    // What is meant for people is one sentence; anything else is a defect, and shows where.
    console.error(sentence(err) ?? err);
    process.exitCode = exitCode(err);
  })
  // Connections are open still, and hold the process. What was written goes out before it ends.
  .finally(() => process.stderr.write('', () => process.stdout.write('', () => process.exit())));

function sentence(err: unknown): string | undefined {
  if (!(err instanceof Error)) return undefined;
  const [, missing] = /^Cannot find module '(@temporalio\/\w+)'/.exec(err.message) ?? [];
  if (missing) return `temporal-lro: This command needs ${missing}, which is not installed: npm install ${missing}`;
  return err.name === 'CommandError' ? `temporal-lro: ${err.message}` : undefined;
}

/** Read without the class of the error, which would load Temporal's client. */
function exitCode(err: unknown): number {
  return err instanceof Error && 'exitCode' in err && typeof err.exitCode === 'number' ? err.exitCode : 1;
}

/** A command that talks to Temporal. */
function connected(name: string): Command {
  return program
    .command(name)
    .option('--address <host:port>', 'of the Temporal server (default: TEMPORAL_ADDRESS, the profile, localhost:7233)')
    .option('--namespace <name>', '(default: TEMPORAL_NAMESPACE, the profile, default)')
    .option('--profile <name>', "of Temporal's configuration file (default: TEMPORAL_PROFILE)")
    .option('--data-converter <module>', 'that exports the dataConverter of your workers, where they have one');
}

function collect(value: string, former: string[]): string[] {
  return [...former, value];
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(require.resolve('temporal-lro/package.json'), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
}
