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

/** A project that holds what the README tells to write. */
export interface ReadmeProject {
  directory: string;
  /** Type-checks and compiles everything to `lib/`; rejects with the compiler's messages. */
  compile(options?: { skipLibCheck: boolean }): Promise<void>;
  /** Runs the README's tests; resolves to what they print, and rejects where one fails. */
  test(env: NodeJS.ProcessEnv): Promise<string>;
}

/**
 * Writes every block of TypeScript to the file that its first line names, and generates what they import by the README's
 * own command; `cli` is the script of `temporal-lro`.
 */
export async function writeReadmeProject(directory: string, cli: string): Promise<ReadmeProject> {
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
  return {
    directory,
    async compile({ skipLibCheck } = { skipLibCheck: true }) {
      const compilerOptions = {
        target: 'es2022',
        module: 'node16',
        strict: true,
        skipLibCheck,
        rootDir: 'src',
        outDir: 'lib',
        types: ['node'],
      };
      await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
      await run(directory, [require.resolve('typescript/lib/tsc')]);
    },
    test: (env) => run(directory, ['--test', 'lib/'], env),
  };
}

/** Runs Node there; rejects with all that it printed where it fails. */
async function run(cwd: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  try {
    return (await promisify(execFile)(process.execPath, args, { cwd, env })).stdout;
  } catch (err) {
    if (!(err instanceof Error && 'stdout' in err && 'stderr' in err)) throw err;
    throw new Error(`node ${args.join(' ')} failed:\n${String(err.stdout)}${String(err.stderr)}`, { cause: err });
  }
}
