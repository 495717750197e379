import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { interopDescriptors } from './generated-code';

export const README = readFileSync('README.md', 'utf8');

/** The README's code blocks in `language`. */
export function codeBlocks(language: string): string[] {
  return [...README.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, found, code = '']) =>
    found === language ? [code] : [],
  );
}

/**
 * Makes a project of the README: each block of TypeScript becomes the file that its first line names, and the README's own
 * command generates what they import. `cli` is the script of `temporal-lro`. Compiles to `lib/` with the README's
 * `tsconfig.json`, and rejects with the compiler's errors, including those in declarations of libraries.
 */
export async function makeReadmeProject(directory: string, cli: string): Promise<void> {
  for (const code of codeBlocks('ts')) {
    const path = /^\/\/ (\S+\.ts)\n/.exec(code)?.[1];
    if (path === undefined) throw new Error(`A block of the README does not begin with its path:\n${code}`);
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), code);
  }
  await cp(await interopDescriptors('yandex'), join(directory, 'yandex.binpb'));
  const [, generate] = /^npx temporal-lro (generate .*)$/m.exec(README) ?? [];
  if (generate === undefined) throw new Error('The README has no command that generates methods.');
  await run(directory, [cli, ...generate.split(' ')]);
  const [tsconfig, ...others] = codeBlocks('json');
  if (tsconfig === undefined || others.length > 0) throw new Error('The README does not have one tsconfig.json.');
  await writeFile(join(directory, 'tsconfig.json'), tsconfig);
  await run(directory, [require.resolve('typescript/lib/tsc'), '--skipLibCheck', 'false']);
}

/** Runs Node in `cwd`. Rejects with everything that it printed if it fails. */
async function run(cwd: string, args: string[]): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, args, { cwd });
  } catch (err) {
    if (!(err instanceof Error && 'stdout' in err && 'stderr' in err)) throw err;
    throw new Error(`node ${args.join(' ')} failed:\n${String(err.stdout)}${String(err.stderr)}`, { cause: err });
  }
}
