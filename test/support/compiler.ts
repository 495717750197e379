import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export async function run(
  command: string,
  args: string[],
): Promise<{ stdout: string; stderr: string; failed: boolean }> {
  return promisify(execFile)(command, args).then(
    (output) => ({ ...output, failed: false }),
    (err: { stdout: string; stderr: string }) => ({ stdout: err.stdout, stderr: err.stderr, failed: true }),
  );
}

/** What tsc prints about modules below this package, which may import it by name. Empty if they compile. */
export async function compilerErrors(...modules: string[]): Promise<string> {
  const options = [
    '--strict',
    '--exactOptionalPropertyTypes',
    '--noUncheckedIndexedAccess',
    '--noEmit',
    '--skipLibCheck',
    '--ignoreConfig',
  ];
  const tsc = [require.resolve('typescript/lib/tsc'), '--module', 'node16', '--target', 'es2022', '--types', 'node'];
  return (await run(process.execPath, [...tsc, ...options, ...modules])).stdout;
}
