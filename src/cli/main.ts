#!/usr/bin/env node
import { readFileSync } from 'fs';
import { Command, Option } from 'commander';
import type { AwaitOptions } from './await';
import type { CallOptions } from './call';
import type { WaitCommandOptions } from './cancel';
import type { GenerateOptions } from './generate';
import type { ListOptions } from './list';
import type { OrphansOptions } from './orphans';

// Commands are declared here and loaded when they run, so that --help does not load protobuf and gRPC.
const program = new Command('temporal-lro')
  .description('Long-running cloud operations in Temporal workflows')
  .version(version());

program
  .command('generate')
  .description('Generate typed methods, and the descriptors that a worker needs for them.')
  .argument(
    '<set...>',
    'FileDescriptorSet files, written by "buf build" or "protoc --include_imports --descriptor_set_out"',
  )
  .requiredOption('--out <directory>', 'the output directory; existing files are overwritten, never deleted')
  .option('--only <prefix>', 'a package, service or method to generate; repeatable (default: all)', collect, [])
  .option(
    '--read <start=reader>',
    'the method that reads the result of a start, for a cloud whose operations have none; repeatable (default: Get)',
    collect,
    [],
  )
  .option('--js', 'write JavaScript with declaration files instead of TypeScript')
  .addHelpText(
    'after',
    `
Writes one module for each proto package, such as <out>/yandex/cloud/k8s/v1.ts, and <out>/descriptors.binpb.
A module has every unary method of the chosen services. Includes the proto comments if the sets have source info.
--js writes CommonJS or ES modules, as the "type" in the nearest package.json above <out> says.

  temporal-lro generate all.binpb --only yandex.cloud.k8s.v1 --out src/cloud`,
  )
  .action(async (sets: string[], options: GenerateOptions) => {
    const { runGenerate } = await import('./generate.js');
    runGenerate(sets, options);
  });

const EXIT_CODES = `
Exit codes: 0 succeeded, 2 failed, 3 cancelled, 4 timed out, 5 not found, 6 still running after a cancellation,
7 unreadable, 8 refused by the cloud, 9 invalid configuration, 130 detached, 1 any other error.`;

connected('await')
  .description('Start or join the workflow that waits for an operation, and show its progress.')
  .argument('<operation>', 'the operation id that the cloud returned')
  .requiredOption('--cloud <name>', 'the name of the cloud in the configuration of the worker')
  .option(
    '--service <name>',
    'the proto service, package or method that started the operation, if hosts differ by service',
  )
  .option('--task-queue <name>', 'the queue of a worker with temporal-lro/workflow-definitions', 'temporal-lro')
  .option('--timeout <duration>', 'the timeout of the wait, such as "30 min" (default: none)')
  .addOption(
    new Option('--on-timeout <what>', 'after the timeout, fail only the wait, or also cancel the operation').choices([
      'fail',
      'cancel',
    ]),
  )
  .option('--summary <text>', 'the summary of the wait in the Temporal UI')
  .option('--search-attributes', 'set OperationCloud, OperationId, OperationState and OperationResource')
  .option('--cancel-on-interrupt', 'cancel the operation on Ctrl-C (default: detach, and leave the wait running)')
  .option('--json', 'print one JSON object per line on stdout')
  .addHelpText('after', EXIT_CODES)
  .action(async (operationId: string, options: AwaitOptions) => {
    const { runAwait } = await import('./await.js');
    process.exitCode = await runAwait(operationId, options);
  });

connected('get')
  .description('Show an operation as its wait last saw it, and why it cannot be polled, if so.')
  .argument('<operation>', 'the operation id')
  .requiredOption('--cloud <name>', 'the name of the cloud in the configuration of the worker')
  .option('--json', 'print the snapshot as JSON; state is null if it is not known')
  .action(async (operationId: string, options: WaitCommandOptions) => {
    const { runGet } = await import('./get.js');
    process.exitCode = await runGet(operationId, options);
  });

connected('cancel')
  .description('Cancel a wait and its operation, and show the outcome.')
  .argument('<operation>', 'the operation id')
  .requiredOption('--cloud <name>', 'the name of the cloud in the configuration of the worker')
  .option('--json', 'print one JSON object per line on stdout')
  .addHelpText(
    'after',
    EXIT_CODES.replace('0 succeeded', '0 cancelled').replace('3 cancelled', '10 succeeded before it was cancelled'),
  )
  .action(async (operationId: string, options: WaitCommandOptions) => {
    const { runCancel } = await import('./cancel.js');
    process.exitCode = await runCancel(operationId, options);
  });

connected('list')
  .description('List the running workflows of the types awaitOperation and executeOperation.')
  .option('--cloud <name>', 'list only the waits of this cloud (default: all)')
  .option('--json', 'print one JSON object per line')
  .addHelpText(
    'after',
    `
Does not list waits inside your own workflows, since these waits have no workflows of their own.`,
  )
  .action(async (options: ListOptions) => {
    const { runList } = await import('./list.js');
    process.exitCode = await runList(options);
  });

connected('orphans')
  .description('Find operations still running although the workflows that started or awaited them have closed.')
  .requiredOption('--cloud <name>', 'the name of the cloud in the configuration of the worker')
  .option('--since <duration>', 'search the workflows that closed within this time', '24h')
  .option('--task-queue <name>', 'the queue of a worker that configures the cloud', 'temporal-lro')
  .option('--cancel', 'cancel these operations')
  .option('--json', 'print one JSON object per line')
  .addHelpText(
    'after',
    `\nExit codes: 0 none found, 11 some still running, 9 invalid configuration, 1 any other error.`,
  )
  .action(async (options: OrphansOptions) => {
    const { runOrphans } = await import('./orphans.js');
    process.exitCode = await runOrphans(options);
  });

connected('call')
  .description('Call a method of a cloud that starts no operation, such as one that reads, and print its reply.')
  .argument('<method>', 'the path of the method, such as yandex.cloud.k8s.v1.ClusterService/Get')
  .argument('[request]', 'the request as JSON', '{}')
  .requiredOption('--cloud <name>', 'the name of the cloud in the configuration of the worker')
  .option('--task-queue <name>', 'the queue of a worker that configures the cloud', 'temporal-lro')
  .option('--timeout <duration>', 'how long to retry after transient errors', '1 min')
  .option('--json', 'print the reply in one line')
  .addHelpText(
    'after',
    `\nExit codes: 0 a reply, 7 unreadable, 8 refused by the cloud or not answered, 9 invalid configuration or request, 1 any other error.`,
  )
  .action(async (method: string, request: string, options: CallOptions) => {
    const { runCall } = await import('./call.js');
    process.exitCode = await runCall(method, request, options);
  });

program
  .parseAsync()
  .catch((err: unknown) => {
    // An error meant for users is one sentence. Any other error is a defect, and prints its stack.
    console.error(sentence(err) ?? err);
    process.exitCode = exitCode(err);
  })
  // Open connections would keep the process alive. Flush the output, then exit.
  .finally(() => process.stderr.write('', () => process.stdout.write('', () => process.exit())));

function sentence(err: unknown): string | undefined {
  if (!(err instanceof Error)) return undefined;
  const [, missing] = /^Cannot find module '(@temporalio\/\w+)'/.exec(err.message) ?? [];
  if (missing) return `temporal-lro: This command needs ${missing}, which is not installed: npm install ${missing}`;
  return err.name === 'CommandError' ? `temporal-lro: ${err.message}` : undefined;
}

/** Reads the exit code without importing the error's class, which would load Temporal's client. */
function exitCode(err: unknown): number {
  return err instanceof Error && 'exitCode' in err && typeof err.exitCode === 'number' ? err.exitCode : 1;
}

/** Declares a command that connects to Temporal. */
function connected(name: string): Command {
  return program
    .command(name)
    .option('--address <host:port>', 'the Temporal server (default: TEMPORAL_ADDRESS, the profile, localhost:7233)')
    .option('--namespace <name>', 'the namespace (default: TEMPORAL_NAMESPACE, the profile, "default")')
    .option('--profile <name>', "a profile of Temporal's configuration file (default: TEMPORAL_PROFILE)")
    .option('--data-converter <module>', 'a module that exports the dataConverter of your workers, if they have one');
}

function collect(value: string, former: string[]): string[] {
  return [...former, value];
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(require.resolve('temporal-lro/package.json'), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
}
