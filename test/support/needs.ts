import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** A module that needs something on the machine in addition to Node and the npm packages. */
interface Need {
  module: string;
  tests: string;
  /** What the machine lacks; undefined when it has everything. */
  lacks: () => string | undefined;
}

const NEEDS: Need[] = [
  {
    module: 'time-skipping.js',
    tests: 'that skip time',
    lacks: () => (canRun('java', '-version') && canRun('mvn', '-v') ? undefined : 'a Java runtime and Maven'),
  },
  {
    module: 'generated-code.js',
    tests: "against the clouds' own Python code",
    lacks: () => (canRun('python3', '-m', 'pip', '--version') ? undefined : 'Python with pip'),
  },
  {
    module: 'temporal-ui.js',
    tests: 'of the Temporal UI',
    lacks: () => (process.platform === 'linux' && process.arch === 'x64' ? undefined : 'a browser from npm'),
  },
];

/** The test files that this machine cannot run, and a sentence about each kind of them. */
export interface Skipped {
  files: string[];
  reasons: string[];
}

/**
 * Finds the compiled tests below `directory` that need something that this machine lacks, by their imports. Throws
 * instead with `REQUIRE=all`, so that continuous integration skips nothing.
 */
export function findSkipped(directory: string): Skipped {
  const tests = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => join(directory, name));
  const skipped: Skipped = { files: [], reasons: [] };
  for (const { module, tests: kind, lacks } of NEEDS) {
    const lacking = lacks();
    if (lacking === undefined) continue;
    const files = tests.filter((file) => reaches(file, join(__dirname, module)));
    skipped.files.push(...files);
    skipped.reasons.push(`Skipping ${files.length} test files ${kind}: this machine lacks ${lacking}.`);
  }
  if (process.env.REQUIRE === 'all' && skipped.files.length > 0) {
    throw new Error(`REQUIRE=all, but: ${skipped.reasons.join(' ')}`);
  }
  return skipped;
}

/** Whether a compiled module imports another one, directly or indirectly. */
function reaches(from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const file of seen) {
    if (file === to) return true;
    for (const [, path = ''] of read(file).matchAll(/require\("(\.[^"]*)"\)/g)) {
      seen.add(`${resolve(dirname(file), path)}.js`);
    }
  }
  return false;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // A folder with an index, or JSON: neither is a support module.
    return '';
  }
}

function canRun(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
