import { mkdirSync, writeFileSync } from 'fs';
import { dirname, join } from 'path';
import { DESCRIPTORS_FILE, generate } from '../codegen/generate';
import { SelectionError } from '../codegen/select';
import { loadDescriptors } from '../descriptors/load';
import { DescriptorError } from '../descriptors/registry';

interface GenerateOptions {
  out: string;
  only: string[];
}

/** Generates code from the sets into `out`. Sets the exit code to 1 if something could not be resolved. */
export function runGenerate(sets: string[], { out, only }: GenerateOptions): void {
  if (out === '') return refuse('--out is empty: name a directory, such as "."');
  try {
    const { files, services, methods, problems } = generate(loadDescriptors(sets), only);
    let modules = 0;
    for (const [path, content] of files) {
      const target = join(out, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, content);
      if (path !== DESCRIPTORS_FILE) modules += Buffer.byteLength(content);
    }
    const set = files.get(DESCRIPTORS_FILE)?.length ?? 0;
    console.log(
      `${methods} methods of ${services} services in ${files.size - 1} modules (${kilobytes(modules)}) and ` +
        `${join(out, DESCRIPTORS_FILE)} (${kilobytes(set)})`,
    );
    for (const problem of problems) console.error(problem);
    if (problems.length > 0) process.exitCode = 1;
  } catch (err) {
    const isFileError = err instanceof Error && 'syscall' in err;
    if (!(err instanceof SelectionError || err instanceof DescriptorError || isFileError)) throw err;
    refuse(err.message);
  }
}

function refuse(message: string): void {
  console.error(`temporal-lro generate: ${message}`);
  process.exitCode = 1;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
