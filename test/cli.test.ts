import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Duration } from '@temporalio/common';
import { OperationsClient, operationSearchAttributes, operationWorkflowId } from 'temporal-lro';
import { NetworkService } from 'temporal-lro/testing';
import type { executeOperation } from 'temporal-lro/workflow-definitions';
import { runAwait } from '../src/cli/await';
import { EXIT_CODES, workflowOutcome } from '../src/cli/outcome';
import { toApplicationFailure } from '../src/model/failure';
import type { Fault, OperationScript } from '../src/testing/script';
import { CLOUD, startEnvironment, type TestEnvironment } from './support/environment';
import { captured } from './support/captured';
import { startProgram, type Program } from './support/program';
import { PROTO_DIRECTORY } from './support/proto';

const MAIN = join(__dirname, '../src/cli/main.js');
const CREATE_CLUSTER = {
  description: 'Create cluster',
  metadata: {
    '@type': 'fakecloud.v1.CreateClusterMetadata',
    clusterId: 'pg-prod',
    progressPercentage: 21,
    step: 'creating VMs',
  },
};
const SUCCEEDS: OperationScript = { response: { '@type': 'fakecloud.v1.Cluster', id: 'pg-prod', name: 'pg-prod' } };
const TITLE = /Create cluster pg-prod \(fc1[a-v0-9]{17}\)/;

let env: TestEnvironment;
beforeAll(async () => {
  env = await startEnvironment({
    worker: { workflowsPath: require.resolve('temporal-lro/workflow-definitions') },
  });
});
afterAll(() => env.stop());

const failing = (code: number, message: string): OperationScript => ({ error: { code, message } });

/** Without `after` the operation runs until {@link finish} ends it. */
const operation = (script: OperationScript = SUCCEEDS): string =>
  env.cloud.operation({ after: '1 h', onCancel: 'completes', ...CREATE_CLUSTER, ...script });

async function finish(id: string): Promise<void> {
  const cloud = OperationsClient.connect({ endpoint: env.cloud.address, plaintext: true });
  await cloud.cancel(id);
  cloud.close();
}

const DOCUMENTS = ['README.md', 'docs/command-line.md'].map((path) => comparable(readFileSync(path, 'utf8')));

/** Removes what differs from run to run: IDs, times and ages, and the padding that depends on them. */
function comparable(text: string): string {
  return text
    .replace(/operation\/\w+\/[\w-]+/g, '<workflow>')
    .replace(/fc1[a-v0-9]{17}/g, '<id>')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/\d+ (ms|s|min|h)\b/g, '<age>')
    .replace(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/g, '<frame>')
    .replace(/ +/g, ' ');
}

/** The docs show the output as it is printed; README.md only what `await` prints before the end. */
function expectDocumented(printed: (string | undefined)[], documents = DOCUMENTS): void {
  for (const text of printed) {
    for (const document of documents) expect(document).toContain(comparable(text ?? 'nothing printed').trim());
  }
}

const temporalLro = (...args: string[]): Program => startProgram(process.execPath, [MAIN, ...args]);
const awaiting = (id: string, ...args: string[]): Program =>
  temporalLro('await', id, '--cloud', CLOUD, '--task-queue', env.taskQueue, ...args);

test('await reports the progress of an operation on stderr, and prints its response on stdout', async () => {
  const id = operation();
  const run = awaiting(id);
  await run.printed('creating VMs');
  await finish(id);
  const { code, stdout, stderr } = await run.ended;
  const [running, succeeded, ...rest] = stderr.trim().split('\n');
  expect(running).toMatch(/^\[\d+ m?s\] +Create cluster pg-prod \(fc1[a-v0-9]{17}\): running, 21 % creating VMs$/);
  expect(succeeded).toMatch(/^\[\d+ s\] +Create cluster pg-prod \(fc1[a-v0-9]{17}\) succeeded after \d+ m?s$/);
  expect(rest).toEqual([]);
  expectDocumented([running, succeeded]);
  expect(JSON.parse(stdout)).toMatchObject({ id: 'pg-prod', name: 'pg-prod' });
  expect(code).toBe(0);
});

test('await --json prints one object per line, the outcome last, and nothing on stderr', async () => {
  const id = operation();
  const run = awaiting(id, '--json');
  await run.printed('creating VMs');
  await finish(id);
  const { code, stdout, stderr } = await run.ended;
  const events = stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  expect(events[0]).toMatchObject({ event: 'operation', operation: { id, state: 'running' } });
  expect(events.at(-1)).toMatchObject({ event: 'end', outcome: 'succeeded', response: { id: 'pg-prod' } });
  expect(stderr).toBe('');
  expect(code).toBe(0);
});

test('on a terminal await draws a bar when the cloud reports a percentage', async () => {
  const id = operation();
  const command = `stty cols 120; ${process.execPath} ${MAIN} await ${id} --cloud ${CLOUD} --task-queue ${env.taskQueue}`;
  const run = startProgram('script', ['-qec', command, '/dev/null']);
  await run.printed('creating VMs');
  await finish(id);
  const { code, stdout } = await run.ended;
  expect(stdout).toMatch(/[⠋⠙⠹⠸⠼] Operation \(fc1[a-v0-9]{17}\) · waiting for a worker/);
  expect(stdout).toMatch(/\[█{4}░{16}\] Create cluster pg-prod \(fc1[a-v0-9]{17}\) · 21 % creating VMs · \d+ m?s/);
  expectDocumented(['⠋ Operation', '[████', '✔ Create'].map((begin) => drawn(stdout, begin)));
  expect(stdout.match(/\x1b\[\?25[hl]/g)).toEqual(['\x1b[?25l', '\x1b[?25h']);
  expect(stdout).toMatch(/✔ Create cluster pg-prod \(fc1[a-v0-9]{17}\) succeeded after \d+ s/);
  expect(code).toBe(0);
});

/** The line that a terminal shows at one moment, found by its beginning. */
function drawn(stdout: string, begin: string): string | undefined {
  const [, text] = stdout.split(begin);
  // Up to the next control sequence or line.
  return text === undefined ? undefined : begin + text.replace(/[\x1b\r\n][^]*$/, '');
}

const FORBIDDEN: Fault[] = [{ on: 'Get', calls: 99, code: 7, message: 'no role' }];
const OUTCOMES: [string, number, string, OperationScript | undefined][] = [
  ['failed', 2, 'failed: RESOURCE_EXHAUSTED: no disks', { after: 0, ...failing(8, 'no disks') }],
  ['was cancelled by somebody else', 3, 'failed: CANCELLED: by admin', { after: 0, ...failing(1, 'by admin') }],
  ['timed out', 4, 'did not end within 1 s: it was running, 21 % creating VMs', SUCCEEDS],
  ['is not known', 5, 'is not known to the cloud (NOT_FOUND', undefined],
  ['is done with an error that says OK', 7, 'is done with an error whose code is OK', { after: 0, ...failing(0, '') }],
  ['may not be seen', 8, 'PERMISSION_DENIED: no role', { ...SUCCEEDS, faults: FORBIDDEN }],
];

/** Runs `await` in this process, which saves the start of another one. */
const awaited = (id: string, timeout: Duration, cloud = CLOUD) =>
  captured(() => runAwait(id, { cloud, taskQueue: env.taskQueue, timeout }));

test.each(OUTCOMES)('an operation that %s makes exit code %d', async (_, exitCode, message, script) => {
  const id = script ? operation(script) : `gone-${env.taskQueue}`;
  const { code, stderr, stdout } = await awaited(id, exitCode === 4 ? '1 s' : '1 min');
  expect(stderr).toContain(message);
  expect(stdout).toBe('');
  expect(code).toBe(exitCode);
});

test('a wait whose operation could not be cancelled makes exit code 6', async () => {
  const message = 'x is still running';
  const told = { cloud: CLOUD, operationId: 'x', message, details: [] };
  const failure = toApplicationFailure({ type: 'OperationStillRunning', ...told });
  const { outcome } = await workflowOutcome(Promise.reject(failure));
  expect(EXIT_CODES[outcome]).toBe(6);
});

test('a cloud that the worker does not configure makes exit code 9', async () => {
  const { code, stderr } = await awaited(operation(), '1 min', 'nowhere');
  expect(stderr).toContain('cloud is "nowhere", but this worker configures yandex');
  expect(code).toBe(9);
});

test('cancel makes exit code 10 for an operation that succeeds before it is cancelled', async () => {
  const id = operation();
  const run = awaiting(id);
  await run.printed('creating VMs');
  expect((await temporalLro('cancel', id, '--cloud', CLOUD).ended).code).toBe(10);
  expect((await run.ended).code).toBe(0);
});

test('Ctrl-C detaches and prints how to resume, and the wait can be listed, shown, joined and cancelled', async () => {
  const id = operation({ onCancel: 'cancels', ...SUCCEEDS });
  const first = awaiting(id);
  await first.printed('creating VMs');
  first.interrupt();
  const detached = await first.ended;
  const workflowId = operationWorkflowId(CLOUD, id);
  expect(detached.code).toBe(130);
  expect(detached.stderr).toContain(
    `Detached: workflow ${workflowId} goes on. Come back with\n  temporal-lro await ${id} --cloud ${CLOUD}`,
  );

  expectDocumented([detached.stderr.slice(detached.stderr.indexOf('Detached'))], DOCUMENTS.slice(1));
  await listed(id);
  const shown = await temporalLro('get', id, '--cloud', CLOUD).ended;
  expect(shown.stdout).toMatch(TITLE);
  expectDocumented([shown.stdout], DOCUMENTS.slice(1));
  expect(shown.stdout).toMatch(/State +running, 21 % creating VMs/);
  expect(shown.stdout).toContain(`${workflowId} (RUNNING)`);
  const snapshot: unknown = JSON.parse((await temporalLro('get', id, '--cloud', CLOUD, '--json').ended).stdout);
  expect(snapshot).toMatchObject({ id, cloud: CLOUD, state: 'running' });

  const joined = awaiting(id);
  await joined.printed('creating VMs');
  const cancelled = await temporalLro('cancel', id, '--cloud', CLOUD).ended;
  expect(cancelled.code).toBe(0);
  expect(cancelled.stderr).toMatch(/Create cluster pg-prod \(fc1[a-v0-9]{17}\) was cancelled after \d+ m?s/);
  expect((await joined.ended).code).toBe(3);
  expect(env.cloud.calls.filter((call) => call.operationId === id && call.method.endsWith('/Cancel'))).toHaveLength(1);
});

/** Visibility is eventually consistent. */
async function listed(id: string): Promise<void> {
  for (;;) {
    const { stdout } = await temporalLro('list', '--cloud', CLOUD).ended;
    // The last column is there while another test file waits in a workflow with an ID of its own.
    const header = /^(CLOUD +OPERATION +STATE +RESOURCE +WAITING)(?: +WORKFLOW)?$/m.exec(stdout)?.[1];
    expect(header).toBeDefined();
    if (new RegExp(`^${CLOUD} +${id} +- +- +\\d+ m?s(?: +-)?$`, 'm').test(stdout))
      return expectDocumented([header], DOCUMENTS.slice(1));
  }
}

test('with --cancel-on-interrupt Ctrl-C cancels the operation', async () => {
  const id = operation({ onCancel: 'cancels', ...SUCCEEDS });
  const run = awaiting(id, '--cancel-on-interrupt');
  await run.printed('creating VMs');
  run.interrupt();
  const { code, stderr } = await run.ended;
  expect(stderr).toContain('cancelling; press Ctrl-C again to detach');
  expect(stderr).toMatch(/was cancelled after/);
  expect(code).toBe(3);
});

describe('search attributes', () => {
  const names = ['OperationCloud', 'OperationId', 'OperationState', 'OperationResource'];

  test('that the namespace does not have are reported with the command that registers them', async () => {
    const { code, stderr } = await awaiting(operation(), '--search-attributes').ended;
    expect(stderr).toContain('Namespace default lacks search attributes');
    expect(stderr).toContain(
      `temporal operator search-attribute create ${names.map((name) => `--name ${name} --type Keyword`).join(' ')} --namespace default`,
    );
    expect(code).toBe(1);
  });

  test('find a wait by cloud, ID, resource and state, and follow the state', async () => {
    await env.client.connection.operatorService.addSearchAttributes({
      namespace: 'default',
      searchAttributes: Object.fromEntries(names.map((name) => [name, 2])),
    });
    const id = operation(failing(13, 'broken'));
    const run = awaiting(id, '--search-attributes');
    const found = `OperationCloud = '${CLOUD}' AND OperationId = '${id}' AND OperationResource = 'pg-prod'`;
    await visible(`${found} AND OperationState = 'running'`);
    await finish(id);
    expect((await run.ended).code).toBe(2);
    await visible(`${found} AND OperationState = 'failed'`);
  });

  test('of a workflow that starts its operation are set as soon as the cloud has begun it', async () => {
    const workflow = env.workflow();
    const wait = await env.client.workflow.start<typeof executeOperation>('executeOperation', {
      ...workflow,
      args: [{ cloud: CLOUD, method: NetworkService.create.path, request: { name: 'found' } }],
      typedSearchAttributes: operationSearchAttributes(CLOUD, ''),
    });
    await wait.result();
    const found = `OperationCloud = '${CLOUD}' AND OperationResource = 'network-found' AND OperationState = 'succeeded'`;
    await visible(`${found} AND OperationId != '' AND WorkflowId = '${workflow.workflowId}'`);
  });

  async function visible(query: string): Promise<void> {
    while ((await env.client.workflow.count(query)).count === 0) await setTimeout(50);
  }
});

test.each<[string, string[], RegExp, number?]>([
  [
    'a wait that is not there',
    ['get', 'nix', '--cloud', CLOUD],
    /Nothing awaits that operation: no workflow .*\/nix\. /,
  ],
  ['a wrong timeout', ['await', 'x', '--cloud', CLOUD, '--timeout', '1 x'], /: --timeout is "1 x": give a number/, 9],
  ['an empty directory', ['generate', join(PROTO_DIRECTORY, 'fakecloud.binpb'), '--out', ''], /--out is empty: name a/],
  [
    'no such namespace',
    ['list', '--namespace', 'nix'],
    /Temporal at \S+ has no namespace "nix": name another by --name/,
  ],
  [
    'a file as a directory',
    ['generate', join(PROTO_DIRECTORY, 'fakecloud.binpb'), '--out', __filename],
    /ENOTDIR|EEXIST/,
  ],
])('an error that stops a command is one sentence: %s', async (_, args, sentence, exitCode = 1) => {
  const { code, stdout, stderr } = await temporalLro(...args).ended;
  expect(stderr).toMatch(/^temporal-lro( generate)?: .*\n$/);
  expect(stderr).toMatch(sentence);
  expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
});

test('--help loads neither gRPC nor protobuf nor Temporal', async () => {
  const probe = `
    process.argv = ['node', 'temporal-lro', '--help'];
    process.on('exit', () => console.log(Object.keys(require.cache).filter((path) => /grpc|protobuf|temporalio/.test(path))));
    require(${JSON.stringify(MAIN)});`;
  const { stdout } = await startProgram(process.execPath, ['-e', probe]).ended;
  expect(stdout).toMatch(/await .*\n[^]*get .*\n[^]*cancel .*\n[^]*list .*\n[^]*\[\]\n$/);
});
