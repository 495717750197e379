import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { resolveWaitOptions } from '../src/model/options';
import { nextInterval } from '../src/model/schedule';

let page: string;
beforeAll(async () => (page = await readFile('docs/clouds.md', 'utf8')));

test('the code of docs/clouds.md compiles', async () => {
  await mkdir('.cache', { recursive: true });
  // Within the package, so that its name is found.
  const directory = await mkdtemp('.cache/clouds-page-');
  try {
    const blocks = [...page.matchAll(/^```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)^```$/gm)];
    expect(blocks).toHaveLength(page.split('```ts').length - 1);
    const files = await Promise.all(
      blocks.map(async ([, path = '', code = '']) => {
        const file = join(directory, basename(path));
        await writeFile(file, code);
        return file;
      }),
    );
    const options =
      '--ignoreConfig --noEmit --strict --skipLibCheck --target es2022 --module node16 --types node'.split(' ');
    const tsc = require.resolve('typescript/lib/tsc');
    await promisify(execFile)(process.execPath, [tsc, ...options, ...files]).catch((err: { stdout?: string }) => {
      throw new Error(err.stdout);
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});

const SECOND = 1000;
const UNITS: Record<string, number> = { s: SECOND, min: 60 * SECOND, h: 3600 * SECOND };
const inMs = (text: string): number => {
  const [amount, unit = ''] = text.split(' ');
  return Number(amount) * (UNITS[unit] ?? NaN);
};

test('the figures of docs/clouds.md are what the schedule makes', () => {
  const rows = page
    .split('\n')
    .filter((line) => /^\| \d+ (s|min)\s+\| \d+/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  expect(rows).toHaveLength(4);
  for (const [, initial = '', takes = '', polls, anHour, late = ''] of rows) {
    const { schedule } = resolveWaitOptions({ poll: { initialInterval: initial, jitter: 0 } });
    let [age, count, interval] = [0, 1, 0];
    for (; age < inMs(takes); age += interval, count++) interval = nextInterval(schedule, age, 0.5);
    expect([initial, takes, count, Math.floor(2500 / count)]).toEqual([initial, takes, Number(polls), Number(anHour)]);
    // With the jitter that is left out above.
    expect(interval * 1.2).toBeLessThanOrEqual(inMs(late));
    expect(interval * 1.2).toBeGreaterThan(inMs(late) * 0.8);
  }
});
