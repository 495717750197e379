// npm run bench:picture: draws docs/images/waiting.svg, the simulated polls and lateness of waits by their length.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { resolveWaitOptions } from '../src/model/options';
import { scheduled, seeded, simulateWait } from './simulate';

/** The path in the repository: this module runs from its compiled copy under dist/. */
const PICTURE = join(__dirname, '..', '..', 'docs', 'images', 'waiting.svg');

const SECOND = 1_000;
const DAY = 86_400 * SECOND;
const LENGTHS = Array.from({ length: 49 }, (_, i) => SECOND * 10 ** ((Math.log10(DAY / SECOND) * i) / 48));
const RUNS = 20;

/** Exponential backoff: intervals that begin with `first` and grow by `factor`, up to `maximum`. */
function growing(first: number, factor: number, maximum: number): () => (ageMs: number) => number {
  return () => {
    let next = first;
    return () => {
      const interval = next;
      next = Math.min(next * factor, maximum);
      return interval;
    };
  };
}

const random = seeded(1);
/** The schedules by name and colour. Each wait begins a fresh one. */
const SCHEDULES: [name: string, colour: string, begin: () => (ageMs: number) => number][] = [
  ['temporal-lro', '#0b7a3e', () => scheduled(resolveWaitOptions().schedule, random)],
  ['every second', '#c0392b', growing(SECOND, 1, SECOND)],
  ['every minute', '#8e6c3a', growing(60 * SECOND, 1, 60 * SECOND)],
  ['gax: 0.1 s × 1.3 ≤ 60 s', '#2c6fbb', growing(100, 1.3, 60 * SECOND)],
  ['retries: 1 s × 2 ≤ 100 s', '#7d3c98', growing(SECOND, 2, 100 * SECOND)],
];

interface Point {
  lengthMs: number;
  polls: number;
  latenessMs: number;
}

/** Averages several waits around each length, so that no result depends on the phase of a schedule. */
function simulate(begin: () => (ageMs: number) => number): Point[] {
  const spread = seeded(2);
  return LENGTHS.map((lengthMs) => {
    const waits = Array.from({ length: RUNS }, () => simulateWait(lengthMs * (0.9 + 0.2 * spread()), begin()));
    const mean = (value: (wait: (typeof waits)[number]) => number): number =>
      waits.reduce((sum, wait) => sum + value(wait), 0) / RUNS;
    return { lengthMs, polls: mean(({ polls }) => polls), latenessMs: mean(({ latenessMs }) => latenessMs) };
  });
}

/** The x positions of the schedules' names. */
const LEGEND = [60, 190, 320, 455, 650];
const PANEL = { width: 330, height: 250, top: 40 };

/** Draws a panel with logarithmic axes. `ticks` are the values and labels of the vertical axis. */
function panel(
  left: number,
  title: string,
  ticks: readonly [number, string][],
  lines: { colour: string; points: Point[] }[],
  value: (point: Point) => number,
): string {
  const [low, high] = [ticks[0]?.[0] ?? 1, ticks.at(-1)?.[0] ?? 1];
  const x = (ms: number): number => left + (PANEL.width * Math.log(ms / SECOND)) / Math.log(DAY / SECOND);
  const y = (of: number): number =>
    PANEL.top + PANEL.height * (1 - Math.log(Math.min(Math.max(of, low), high) / low) / Math.log(high / low));
  const bottom = PANEL.top + PANEL.height;
  const across = (
    [
      [SECOND, '1 s'],
      [60 * SECOND, '1 min'],
      [3_600 * SECOND, '1 h'],
      [DAY, '1 day'],
    ] as const
  ).map(
    ([ms, label]) =>
      `<path d="M${x(ms).toFixed(1)} ${PANEL.top}V${bottom}" class="grid"/><text x="${x(ms).toFixed(1)}" y="${bottom + 16}" text-anchor="middle">${label}</text>`,
  );
  const up = ticks.map(
    ([tick, label]) =>
      `<path d="M${left} ${y(tick).toFixed(1)}H${left + PANEL.width}" class="grid"/><text x="${left - 6}" y="${(y(tick) + 4).toFixed(1)}" text-anchor="end">${label}</text>`,
  );
  const curves = lines.map(({ colour, points }) => {
    const path = points.map((point) => `${x(point.lengthMs).toFixed(1)} ${y(value(point)).toFixed(1)}`).join('L');
    return `<path d="M${path}" stroke="${colour}" class="line"/>`;
  });
  return [`<text x="${left}" y="24" class="title">${title}</text>`, ...across, ...up, ...curves].join('\n');
}

/** Draws the picture. The same code always draws the same one. */
export function drawPicture(): string {
  const lines = SCHEDULES.map(([name, colour, begin]) => ({ name, colour, points: simulate(begin) }));
  const legend = lines.map(
    ({ name, colour }, i) =>
      `<path d="M${LEGEND[i]} 338h18" stroke="${colour}" class="line"/><text x="${(LEGEND[i] ?? 0) + 24}" y="342">${name}</text>`,
  );
  const polls = panel(
    60,
    'Polls of a wait, by its length',
    [1, 10, 100, 1_000, 10_000].map((n) => [n, n.toLocaleString('en')]),
    lines,
    ({ polls }) => polls,
  );
  const lateness = panel(
    490,
    'Mean lateness, by the length of the wait',
    [
      [50, '0.05 s'],
      [500, '0.5 s'],
      [5_000, '5 s'],
      [50_000, '50 s'],
      [500_000, '500 s'],
    ],
    lines,
    ({ latenessMs }) => latenessMs,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 360" font-family="sans-serif" font-size="12" fill="#333">
<style>.grid{stroke:#ddd;fill:none}.line{fill:none;stroke-width:2}.title{font-size:14px;font-weight:bold}</style>
<rect width="860" height="360" fill="#fff"/>
${[polls, lateness, ...legend].join('\n')}
</svg>
`;
}

if (require.main === module) {
  mkdirSync(dirname(PICTURE), { recursive: true });
  writeFileSync(PICTURE, drawPicture());
}
