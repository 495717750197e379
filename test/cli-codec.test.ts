import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { operationWorkflowId } from 'temporal-lro';
import { lookAt } from '../src/cli/get';
import { loadDataConverter } from '../src/cli/payloads';
import { listWaits } from '../src/cli/list';
import { CommandError } from '../src/cli/outcome';
import { checkPlaintext } from '../src/cli/await';
import type { OperationScript } from '../src/testing/script';
import { CLOUD, startEnvironment, type TestEnvironment } from './support/environment';
import { dataConverter } from './support/encrypting-codec';
import { startProgram, type Program } from './support/program';

const MAIN = require.resolve('../src/cli/main');
const CODEC = require.resolve('./support/encrypting-codec');
const MARK = 'm4rker';

let env: TestEnvironment;
let client: Client;
beforeAll(async () => {
  const workflowsPath = require.resolve('temporal-lro/workflow-definitions');
  env = await startEnvironment({ worker: { workflowsPath, dataConverter } });
  client = new Client({ connection: env.client.connection, dataConverter });
});
afterAll(() => env.stop());

const temporalLro = (...args: string[]): Program => startProgram(process.execPath, [MAIN, ...args]);
const awaiting = (id: string, ...args: string[]): Program =>
  temporalLro('await', id, '--cloud', CLOUD, '--task-queue', env.taskQueue, ...args);

const operation = (after: OperationScript['after'] = '1 h'): string =>
  env.cloud.operation({
    after,
    description: MARK,
    response: { '@type': 'fakecloud.v1.Network', id: MARK, name: MARK },
  });

/** Starts a wait with the codec, as a parent workflow would. */
async function encryptedWait(id: string): Promise<string> {
  const workflowId = operationWorkflowId(CLOUD, id);
  const args = [{ cloud: CLOUD, operationId: id }];
  await client.workflow.start('awaitOperation', { workflowId, taskQueue: env.taskQueue, args });
  return workflowId;
}

/** The encoding of every payload in a history, at any depth. */
function encodingsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  if ('metadata' in value && 'data' in value && value.data instanceof Uint8Array) return [encodingOf(value.metadata)];
  return Object.values(value).flatMap(encodingsOf);
}

function encodingOf(metadata: unknown): string {
  const hasOne = typeof metadata === 'object' && metadata !== null && 'encoding' in metadata;
  return hasOne && metadata.encoding instanceof Uint8Array ? Buffer.from(metadata.encoding).toString() : 'none';
}

test('await with --data-converter leaves nothing in plain text, and reads what the workers wrote', async () => {
  const id = operation(100);
  const converter = ['--data-converter', CODEC, '--summary', MARK, '--timeout', '1 h'];
  const { code, stdout, stderr } = await awaiting(id, ...converter).ended;
  expect(stderr).toContain(MARK);
  expect(JSON.parse(stdout)).toMatchObject({ id: MARK });
  expect(code).toBe(0);
  const { events } = await client.workflow.getHandle(operationWorkflowId(CLOUD, id)).fetchHistory();
  const encodings = encodingsOf(events);
  // The input, the summary and the details of the start; then the same of its activity, and the result.
  expect(encodings.length).toBeGreaterThan(5);
  expect([...new Set(encodings)]).toEqual(['binary/encrypted']);
});

test('await without --data-converter starts nothing next to encrypted inputs, and nothing again that was encrypted', async () => {
  const joined = operation();
  await encryptedWait(joined);
  const { code, stdout, stderr } = await awaiting(joined).ended;
  expect(stderr).toMatch(
    /^temporal-lro: The input of workflow \S+ has the encoding binary\/encrypted, .* --data-converter\.\n$/,
  );
  expect({ code, stdout }).toEqual({ code: 9, stdout: '' });

  const fresh = operationWorkflowId(CLOUD, operation());
  while ((await env.client.workflow.count(`TaskQueue = '${env.taskQueue}'`)).count === 0);
  await expect(checkPlaintext(env.client, fresh, env.taskQueue)).rejects.toThrow(/binary\/encrypted/);
  await expect(checkPlaintext(client, fresh, env.taskQueue)).resolves.toBeUndefined();
  await expect(checkPlaintext(env.client, fresh, "nobody's \\ queue")).resolves.toBeUndefined();
});

test('the result of a wait that was started in plain text shows that the workers use a codec', async () => {
  const id = operation(100);
  const workflowId = operationWorkflowId(CLOUD, id);
  const args = [{ cloud: CLOUD, operationId: id }];
  await env.client.workflow.start('awaitOperation', { workflowId, taskQueue: env.taskQueue, args });
  await expect(lookAt(env.client, id, CLOUD)).rejects.toThrow(
    /^Temporal has payloads of the encoding binary\/encrypted, which this command cannot read: .* --data-converter\.$/,
  );
  const { code, stderr } = await temporalLro('cancel', id, '--cloud', CLOUD).ended;
  expect(stderr).toMatch(/encoding binary\/encrypted, which this command cannot read/);
  expect(code).toBe(9);
});

test('get and list read encrypted waits with the data converter, and report when it is missing', async () => {
  const id = operation();
  await encryptedWait(id);
  const { workflowId } = env.workflow();
  const args = [{ cloud: CLOUD, operationId: id }];
  await client.workflow.start('awaitOperation', { workflowId, taskQueue: env.taskQueue, args });
  const look = await lookAt(client, id, CLOUD);
  expect(look.operation).toMatchObject({ id, state: 'running', description: MARK });
  const listed = async (by: Client): ReturnType<typeof listWaits> => {
    for (;;) {
      const found = await listWaits(by, CLOUD);
      if (found.waits.some((wait) => wait.workflowId === workflowId)) return found;
    }
  };
  expect((await listed(client)).waits).toContainEqual(
    expect.objectContaining({ workflowId, cloud: CLOUD, operationId: id }),
  );
  const { notes } = await listed(env.client);
  expect(notes[0]).toMatch(/ has payloads of the encoding binary\/encrypted, .* --data-converter\.$/);
});

describe('the module of --data-converter', () => {
  let directory: string;
  const former = process.cwd();
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'temporal-lro-converter-'));
    const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
    const codec = '{ encode: async (p) => p, decode: async (p) => { throw new Error("wrong key"); } }';
    write('common.js', `module.exports = { payloadCodecs: [${codec}] };`);
    write('named.js', `exports.dataConverter = { payloadCodecs: [${codec}] };`);
    write('compiled.js', `exports.__esModule = true; exports.default = { payloadCodecs: [${codec}] };`);
    write('empty.js', 'module.exports = { payloadCodec: [] };');
    write('half.js', 'module.exports = { payloadCodecs: [{ encode() {} }] };');
    write('broken.js', 'throw new Error("no such key\\nstack");');
    process.chdir(directory);
  });
  afterAll(() => {
    process.chdir(former);
    rmSync(directory, { recursive: true });
  });

  test.each(['./common.js', './common', './named.js', './compiled.js'])(
    '%s exports a converter, whose codec describes what went wrong',
    async (name) => {
      const { payloadCodecs: [codec] = [] } = await loadDataConverter(name);
      await expect(codec?.decode([{ metadata: { encoding: Buffer.from('binary/x') } }])).rejects.toThrow(
        'A codec of --data-converter cannot decode a payload of the encoding binary/x (wrong key): use the module and the keys of the workers.',
      );
    },
  );

  test.each([
    ['', /^--data-converter is empty: name a module/],
    [
      './none.js',
      /^--data-converter is "\.\/none\.js", which cannot be loaded \(.*none\.js.*\): name a module that exports/,
    ],
    ['no-such-package', /^--data-converter is "no-such-package", which cannot be loaded \(/],
    ['./broken.js', /which cannot be loaded \(no such key\): name a module/],
    [
      './empty.js',
      /^--data-converter is "\.\/empty\.js", which exports no data converter: export an object with payloadCodecs/,
    ],
    ['./half.js', /which exports no data converter/],
  ])('that is unusable gives an error of one sentence: %j', async (name, sentence) => {
    const err: unknown = await loadDataConverter(name).catch((failed: unknown) => failed);
    expect(err).toBeInstanceOf(CommandError);
    expect(err).toMatchObject({ exitCode: 9, message: expect.stringMatching(sentence) as unknown });
    expect(String(err)).not.toContain('\n');
  });

  test('may be an ES module', async () => {
    writeFileSync(join(directory, 'esm.mjs'), 'export default { payloadCodecs: [] }; await 1;');
    const list = startProgram(process.execPath, [MAIN, 'list', '--data-converter', './esm.mjs'], { cwd: directory });
    const { code, stderr } = await list.ended;
    expect(stderr).not.toContain('esm.mjs');
    expect(code).toBe(0);
  });
});
