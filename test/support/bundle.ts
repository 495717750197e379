import { createHash } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, type WorkerOptions } from '@temporalio/worker';

/**
 * Replaces the workflows in the options by the bundle that the worker would make of them. A run makes each bundle once
 * for all its workers, since bundling takes a second. Options that are part of a bundle are left to the worker.
 */
export async function withBundle(options: WorkerOptions): Promise<WorkerOptions> {
  const { workflowsPath, ...others } = options;
  const { failureConverterPath, payloadConverterPath } = options.dataConverter ?? {};
  const isPlain = !failureConverterPath && !payloadConverterPath && !options.bundlerOptions && !options.interceptors;
  const directory = process.env.BUNDLES_DIRECTORY;
  if (directory === undefined || workflowsPath === undefined || !isPlain) return options;
  const codePath = join(directory, `${createHash('sha256').update(workflowsPath).digest('hex')}.js`);
  if (!existsSync(codePath)) {
    const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
    // Another process may make it at the same time: the rename publishes only a complete file.
    writeFileSync(`${codePath}.${process.pid}`, code);
    renameSync(`${codePath}.${process.pid}`, codePath);
  }
  return { ...others, workflowBundle: { codePath } };
}
