import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { yandexDescriptors } from './interop';

export const README = readFileSync('README.md', 'utf8');

/** The README's code blocks of that language. */
export function codeBlocks(language: string): string[] {
  return [...README.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, found, code = '']) =>
    found === language ? [code] : [],
  );
}

/**
 * Makes a project of the README's code: every TypeScript block is the file that its first line names, and the README's
 * own command, with `cli` as its script, generates what the blocks import. Compiles the project to `lib/`, and rejects
 * with the compiler's errors, including those in declarations of libraries.
 */
export async function makeReadmeProject(directory: string, cli: string): Promise<void> {
  for (const code of codeBlocks('ts')) {
    const path = /^\/\/ (\S+\.ts)\n/.exec(code)?.[1];
    if (path === undefined) throw new Error(`A block of the README does not begin with its path:\n${code}`);
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), code);
  }
  await cp(await yandexDescriptors(), join(directory, 'yandex.binpb'));
  const [, generate] = /^npx temporal-lro (generate .*)$/m.exec(README) ?? [];
  if (generate === undefined) throw new Error('The README does not say how to generate methods.');
  await run(directory, [cli, ...generate.split(' ')]);
  const compilerOptions = {
    target: 'es2022',
    module: 'node16',
    strict: true,
    rootDir: 'src',
    outDir: 'lib',
    types: ['node'],
  };
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  await run(directory, [require.resolve('typescript/lib/tsc')]);
}

/** Runs Node in the project; rejects with all its output if it fails. */
async function run(cwd: string, args: string[]): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, args, { cwd });
  } catch (err) {
    if (!(err instanceof Error && 'stdout' in err && 'stderr' in err)) throw err;
    throw new Error(`node ${args.join(' ')} failed:\n${String(err.stdout)}${String(err.stderr)}`, { cause: err });
  }
}
