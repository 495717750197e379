// npm run chaos:defects: injects one defect at a time into a copy of the compiled code, and expects a run to find it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFECTS, type Defect } from './defects';

const PACKAGE = join(__dirname, '../../..');
/** How many runs at once: each run is mostly idle. */
const AT_ONCE = 2;

/** Runs the copy of the package in `directory`. */
async function chaos(
  directory: string,
  defect: Pick<Defect, 'seed' | 'minutes' | 'faults'>,
): Promise<{ code: number; output: string }> {
  const { seed, minutes, faults } = defect;
  const args = ['--seed', String(seed), '--minutes', String(minutes), '--faults', faults.join(',')];
  const main = join(directory, 'dist/chaos/main.js');
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const interrupt = (): void => void child.kill('SIGTERM');
  process.on('exit', interrupt);
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  await once(child, 'close');
  process.off('exit', interrupt);
  return { code: child.exitCode ?? 1, output };
}

/** Copies the compiled package and injects the defect. */
function copyWith({ name, file, pattern, replacement }: Defect): string {
  const directory = mkdtempSync(join(tmpdir(), 'temporal-lro-defect-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const leftBehind = join(PACKAGE, 'dist/left-behind');
  const filter = (path: string): boolean => path !== leftBehind;
  cpSync(join(PACKAGE, 'dist'), join(directory, 'dist'), { recursive: true, filter });
  cpSync(join(PACKAGE, 'package.json'), join(directory, 'package.json'));
  symlinkSync(join(PACKAGE, 'node_modules'), join(directory, 'node_modules'));
  const path = join(directory, 'dist', file);
  const code = readFileSync(path, 'utf8');
  const found = [...code.matchAll(new RegExp(pattern, 'g'))].length;
  if (found !== 1)
    throw new Error(`"${name}": ${file} has ${pattern} ${found} times, not once: adapt defects.ts to the code`);
  writeFileSync(
    path,
    code.replace(pattern, () => replacement),
  );
  return directory;
}

async function isFound(defect: Defect): Promise<boolean> {
  let directory: string;
  try {
    directory = copyWith(defect);
  } catch (err) {
    console.log(`NOT RUN   ${defect.name}: ${err instanceof Error ? err.message : String(err)}`);
    return false;
  }
  const { output } = await chaos(directory, defect);
  const violations = output.split('\n').filter((line) => line.includes(' is violated by '));
  const found = violations.find((line) => line.startsWith(defect.violates));
  console.log(`${found ? 'found    ' : 'NOT FOUND'} ${defect.name}: ${found ?? output}`);
  return found !== undefined;
}

/** Whether a run with the same faults and no defect finds nothing. */
async function isClean(): Promise<boolean> {
  const faults = [...new Set(DEFECTS.flatMap((defect) => defect.faults))];
  const { code, output } = await chaos(PACKAGE, { seed: 1, minutes: 0.3, faults });
  console.log(`${code === 0 ? 'clean    ' : 'NOT CLEAN'} without a defect${code === 0 ? '' : `:\n${output}`}`);
  return code === 0;
}

async function main(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const rest = [isClean, ...DEFECTS.map((defect) => () => isFound(defect))];
  const results: boolean[] = [];
  const work = async (): Promise<void> => {
    for (let next = rest.shift(); next; next = rest.shift()) results.push(await next());
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const passed = results.filter(Boolean).length;
  console.log(`${passed} passed, ${results.length - passed} failed`);
  process.exit(passed === results.length ? 0 : 1);
}

main().catch((err: unknown) => {
  console.error(err);
  console.log('0 passed, 1 failed');
  process.exit(1);
});
