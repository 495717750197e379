import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'fs';
import { dirname, join, resolve } from 'path';
import { chooseReader } from '../codegen/choose-reader';
import { DESCRIPTORS_FILE, generate } from '../codegen/generate';
import { SelectionError } from '../codegen/select';
import { readDescriptors } from '../descriptors/load';
import { DescriptorError } from '../descriptors/registry';
import { isObject } from '../model/check';
import { isFileError, messageOf } from '../model/thrown';

const MODULE = { typescript: 'module', esm: 'ES module', commonjs: 'CommonJS module' };

export interface GenerateOptions {
  out: string;
  only: string[];
  read: string[];
  js?: boolean;
}

/** Generates code from the sets into `out`. Sets the exit code to 1 if something could not be resolved. */
export function runGenerate(sets: string[], { out, only, read, js = false }: GenerateOptions): void {
  if (out === '') return refuse('--out is empty: name a directory, such as "."');
  try {
    const format = js ? nodeFormat(out) : 'typescript';
    const registry = readDescriptors(sets);
    for (const choice of read) chooseReader(registry, choice);
    const { files, services, starts, others, streaming, problems } = generate(registry, only, format);
    let modules = 0;
    let bytes = 0;
    for (const [path, content] of files) {
      const target = join(out, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, content);
      if (path !== DESCRIPTORS_FILE) bytes += Buffer.byteLength(content);
      if (path.endsWith('.ts')) modules++;
    }
    const set = files.get(DESCRIPTORS_FILE)?.length ?? 0;
    console.log(
      `${counted(starts + others, 'method')} of ${counted(services, 'service')}, ${starts} of which start operations, ` +
        `in ${counted(modules, MODULE[format])} (${kilobytes(bytes)}) and ${join(out, DESCRIPTORS_FILE)} (${kilobytes(set)})`,
    );
    if (streaming.length > 0) console.log(`left out, because they stream: ${streaming.join(', ')}`);
    for (const problem of problems) console.error(problem);
    if (problems.length > 0) process.exitCode = 1;
  } catch (err) {
    if (err instanceof SyntaxError) return refuse(`the package.json above ${out} is not JSON: ${err.message}`);
    if (!(err instanceof SelectionError || err instanceof DescriptorError || isFileError(err))) throw err;
    refuse(messageOf(err));
  }
}

/** What Node takes a `.js` file in this directory for: it goes by the `type` in the nearest package.json. */
function nodeFormat(directory: string): 'esm' | 'commonjs' {
  for (let at = resolve(directory); ; at = dirname(at)) {
    const path = join(at, 'package.json');
    if (existsSync(path)) {
      const json: unknown = JSON.parse(readFileSync(path, 'utf8'));
      return isObject(json) && json.type === 'module' ? 'esm' : 'commonjs';
    }
    if (at === dirname(at)) return 'commonjs';
  }
}

function refuse(message: string): void {
  console.error(`temporal-lro generate: ${message}`);
  process.exitCode = 1;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
