import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { leave, MARK } from './support/left-behind';
import { codeBlocks } from './support/readme';
import { openTemporalUi } from './support/temporal-ui';

/** What a user of `npm run demo` sees. */
interface Demo {
  exitCode: number | null;
  output: string;
  errors: string;
  /**
   * The links into the UI, each with the status of its page and of the workflow it shows, taken while `--keep` left
   * everything running.
   */
  links: number[][];
  /** The timeline behind the first link, in a browser. */
  timeline?: Timeline;
}

interface Timeline {
  bars: { state: string; label: string; width: number; labelEnd: number }[];
  /** The text that the UI shows when the failed bar is opened. */
  opened: string;
}

const PAGE_WIDTH = 1440;

async function readTimeline(link: string): Promise<Timeline> {
  const [, uiUrl = '', workflowId = '', runId = ''] = /^(.*)\/namespaces\/\w+\/workflows\/(.+)\/(.+)$/.exec(link) ?? [];
  const ui = await openTemporalUi(uiUrl);
  try {
    const page = await ui.open({ workflowId: decodeURIComponent(workflowId), runId }, 'timeline');
    await page.setViewportSize({ width: PAGE_WIDTH, height: 1400 });
    await page.getByText('operation.start • NetworkService/Create demo').first().waitFor();
    await page.getByText('Delete node group gpu').first().waitFor();
    const bars: Timeline['bars'] = [];
    for (const bar of await page.getByRole('button', { name: /^Event / }).all()) {
      const text = await bar.locator('span').last().boundingBox();
      bars.push({
        state: ((await bar.getAttribute('aria-label')) ?? '').replace(/^Event .*: /, ''),
        label: (await bar.innerText()).trim(),
        width: (await bar.boundingBox())?.width ?? 0,
        labelEnd: (text?.x ?? Infinity) + (text?.width ?? 0),
      });
    }
    await page.getByText('Create node group gpu').first().click();
    await page.getByText('Child Workflow Execution Failed').first().waitFor();
    return { bars, opened: await page.locator('body').innerText() };
  } finally {
    await ui.close();
  }
}

/** Runs the demo; presses Ctrl-C, as in a terminal, when the demo says that it stays running. */
async function runDemo(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<Demo> {
  // In a process group of its own: a terminal sends SIGINT to the whole group.
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  const links: number[][] = [];
  let timeline: Timeline | undefined;
  let errors = '';
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (!line.startsWith('Everything is left running')) continue;
    const shownLinks = lines.flatMap((line) => /http:\S+\/workflows\/\S+/.exec(line)?.[0] ?? []);
    timeline = await readTimeline(shownLinks[0] ?? '');
    for (const link of shownLinks) {
      // The page is the same for every workflow; its content comes from the UI's API.
      const shown = link.replace('/namespaces/', '/api/v1/namespaces/').replace(/\/([^/]+)$/, '?execution.runId=$1');
      links.push([(await fetch(link)).status, (await fetch(shown)).status]);
    }
    process.kill(-(child.pid ?? 0), 'SIGINT');
  }
  await exited;
  const output = lines.join('\n');
  leave('outputs', output + errors);
  return { exitCode: child.exitCode, output, errors, links, ...(timeline && { timeline }) };
}

let demo: Demo;
let kept: Demo;
beforeAll(async () => {
  // Once with the demo's own token, and once with a token that the search for left-behind secrets knows.
  const { CLOUD_TOKEN: _, ...env } = process.env;
  const { TEMPORAL_ADDRESS: __, ...others } = env;
  const embedded = { ...others, CLOUD_TOKEN: `${MARK}-of-the-demonstration` };
  // Not through npm, which ends with the signal itself.
  const keep = [require.resolve('../examples/provision-cluster/main'), '--keep'];
  [demo, kept] = await Promise.all([
    runDemo('npm', ['run', '--silent', 'demo'], env),
    runDemo(process.execPath, keep, embedded),
  ]);
}, 120_000);

test('the demo ends on its own with exit code 0 and prints no error', () => {
  expect(demo.errors).toBe('');
  expect(demo.exitCode).toBe(0);
});

test('nothing in its output is masked', () => {
  for (const { output } of [demo, kept]) {
    expect(output).not.toContain('**');
    expect(output).toMatch(/network: \{[^}]*id: 'network-demo'/);
    expect(output).toMatch(/cluster: \{[^}]*id: 'cluster-demo'/);
  }
});

test('a cluster is provisioned although its worker is killed halfway', () => {
  const events = [
    'Create cluster cluster-demo: running',
    'was killed (SIGKILL)',
    'takes over',
    'Create node group nodegroup-web: running',
    'Create node group nodegroup-web: succeeded',
  ];
  const order = events.map((event) => demo.output.indexOf(event));
  expect(order).not.toContain(-1);
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  expect(order[1]).toBeLessThan(demo.output.indexOf('Create cluster cluster-demo: succeeded'));
  expect(demo.output).toMatch(/cluster: \{[^}]*networkId: 'network-demo',\s+status: 'RUNNING'/);
  expect(demo.output).toMatch(/id: 'nodegroup-web'[^}]*size: '3'/);
  expect(demo.output).toMatch(/id: 'nodegroup-batch'[^}]*size: '2'/);
});

test('the node groups are created only when the cluster is healthy, and the endpoint that was read is shown', () => {
  const events = [
    'Create cluster cluster-demo: succeeded',
    'Cluster cluster-demo is created: health HEALTH_UNKNOWN, wanted ALIVE',
    'Cluster cluster-demo is healthy at https://cluster-demo.fakecloud.example',
    'Create node group nodegroup-web: running',
  ];
  for (const event of events) expect(demo.output.split(event)).toHaveLength(2);
  const order = events.slice(1).map((event) => demo.output.indexOf(event));
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  expect(demo.output).toMatch(/health: 'ALIVE',\s+endpoint: 'https:\/\/cluster-demo.fakecloud.example'/);
});

test('the node group that exceeds a quota fails with decoded details, and is deleted', () => {
  expect(demo.output).toMatch(/nodegroup-gpu: failed: RESOURCE_EXHAUSTED: The limit on GPUs is exceeded/);
  expect(demo.output).toMatch(/type.googleapis.com\/yandex.cloud.quota.QuotaFailure/);
  expect(demo.output).toMatch(/metric: \{ name: 'compute.gpus.count', limit: '4', usage: 2 \}, required: '10'/);
  expect(demo.output).toMatch(/type: 'OperationFailed'/);
  expect(demo.output).toMatch(/Delete node group nodegroup-gpu: succeeded/);
});

test('the demo prints how many polls and history events it took', () => {
  expect(demo.output).toMatch(/^6 operations took \d+ polls, 5 workflows took \d+ history events$/m);
  expect(demo.output.match(/^ +11 events {2}awaitOperation COMPLETED$/gm)).toHaveLength(2);
  expect(demo.output.match(/^ +11 events {2}awaitOperation FAILED$/gm)).toHaveLength(1);
});

test('its timeline in the UI is enough to see which operations ran, which one failed and why, and how long each took', () => {
  const { bars = [], opened = '' } = kept.timeline ?? {};
  const bar = (label: RegExp): Timeline['bars'][number] => {
    const found = bars.filter((candidate) => label.test(candidate.label));
    expect(found).toHaveLength(1);
    return found[0] ?? { state: 'missing', label: '', width: 0, labelEnd: 0 };
  };
  const [cluster, web, gpu, undone] = [
    bar(/operation\.get • Create cluster cluster-demo \(/),
    bar(/^Create node group web$/),
    bar(/^Create node group gpu$/),
    bar(/^Delete node group gpu after RESOURCE_EXHAUSTED: The limit on GPUs is exceeded$/),
  ];
  const network = bar(/operation\.get • Create network network-demo \(/);
  expect(bars.filter(({ state }) => state === 'Failed')).toEqual([gpu]);
  expect([network, cluster, web, undone].map(({ state }) => state)).toEqual(Array(4).fill('Completed'));
  expect(undone.labelEnd).toBeLessThanOrEqual(PAGE_WIDTH);
  // Bars are drawn to scale: 15 s, 4 s and 2 s.
  expect(cluster.width).toBeGreaterThan(web.width * 2);
  expect(web.width).toBeGreaterThan(gpu.width * 1.3);
  expect(opened).toMatch(/FAILED\s+awaitOperation\s+(1s [5-9]\d\dms|[2-4]s( \d+ms)?)\s/);
});

test("the README shows the demo's real output", () => {
  const [shown = ''] = codeBlocks('text');
  const seen = new Set(demo.output.split('\n').map(withoutChance));
  const missing = shown
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '…' && !seen.has(withoutChance(line)));
  expect(missing).toEqual([]);
});

/** Replaces in a line of the demo what differs per run: numbers, operation IDs, and the UI when there is one. */
function withoutChance(line: string): string {
  return line
    .replace(/, its UI \S+;/, ';')
    .replace(/http:\S+\/workflows\/([^/]+)\/\S+/, (_link, id: string) => decodeURIComponent(id))
    .replace(/fc1[a-v0-9]{17}/g, 'ID')
    .replace(/\d+(\.\d+)*/g, 'N')
    .replace(/T?N-N-NTN:N:NZ/g, 'TIME')
    .replace(/^ +/, ' ');
}

test('the typed methods of the demo equal those generated from its cloud', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'temporal-lro-example-'));
  await promisify(execFile)('npm', ['run', '--silent', 'generate:example', '--', '--out', directory]);
  for (const file of ['fakecloud/v1.ts', 'descriptors.binpb']) {
    const committed = await readFile(join('examples/provision-cluster/cloud', file));
    expect(committed.equals(await readFile(join(directory, file)))).toBe(true);
  }
  await rm(directory, { recursive: true });
});

test('--keep leaves everything running, with links into the UI, until Ctrl-C', () => {
  expect(kept.links).toEqual(Array.from({ length: 5 }, () => [200, 200]));
  expect(kept.exitCode).toBe(0);
});
