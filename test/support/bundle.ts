import { createHash } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, type WorkerOptions } from '@temporalio/worker';

/**
 * The same options with the workflow bundle that the worker would make of them: a run makes it once for all of its
 * workers, since each would take a second. Options that are part of a bundle are left to the worker.
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
    // Another process may make it at the same time: whoever finds it finds all of it.
    writeFileSync(`${codePath}.${process.pid}`, code);
    renameSync(`${codePath}.${process.pid}`, codePath);
  }
  return { ...others, workflowBundle: { codePath } };
}
