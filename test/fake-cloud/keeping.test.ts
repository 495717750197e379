import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { OperationsClient } from 'temporal-lro';
import { FakeCloud, NetworkService } from 'temporal-lro/testing';
import { loadDescriptors } from '../../src/descriptors/load';
import { checkScript, type CheckedOperation } from '../../src/testing/check-script';
import type { Script } from '../../src/testing/script';
import { ScriptedOperations } from '../../src/testing/scripted-operations';
import { PROTO_DIRECTORY } from '../support/proto';

const SET = join(PROTO_DIRECTORY, 'fakecloud.binpb');
const EMPTY = { '@type': 'google.protobuf.Empty' };
const T0 = Date.parse('2026-03-01T12:00:00Z');

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fake-cloud-'));
  file = join(directory, 'operations.jsonl');
});
afterEach(() => rm(directory, { recursive: true }));

function checked(script: Script): CheckedOperation {
  const operation = checkScript(script);
  if ('refuse' in operation) throw new Error('it refuses');
  return operation;
}

test('a FakeCloud that another process starts on the same file knows operations, keys and cancellations', async () => {
  let now = T0;
  const cloud = await FakeCloud.start({ now: () => now, file });
  const client = OperationsClient.connect({ endpoint: cloud.address, plaintext: true, descriptors: [SET] });
  const message = randomBytes(10_000).toString('hex');
  const failed = cloud.operation({ after: 60_000, metadata: EMPTY, error: { code: 13, message } });
  const cancelled = cloud.operation({ after: '1 h', response: EMPTY });
  now += 1000;
  await client.cancel(cancelled);
  const started = await client.start(NetworkService.create.path, {}, { idempotencyKey: 'k' });
  client.close();
  await cloud.close();
  const modules = join(__dirname, '../../src');
  // The process exits on its own, since a closed FakeCloud leaves no handle open.
  const program = `
    const { FakeCloud } = require('${modules}/testing/fake-cloud');
    const { OperationsClient } = require('${modules}/client/operations-client');
    FakeCloud.start({ now: () => ${T0 + 60_000}, file: ${JSON.stringify(file)} }).then(async (cloud) => {
      const client = OperationsClient.connect({ endpoint: cloud.address, plaintext: true, descriptors: ['${SET}'] });
      const again = await client.start('${NetworkService.create.path}', {}, { idempotencyKey: 'k' });
      console.log(JSON.stringify([await client.get('${failed}'), await client.get('${cancelled}'), again]));
      client.close(), cloud.close();
    });`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program], { timeout: 20_000 });
  const createdAt = '2026-03-01T12:00:00Z';
  expect(JSON.parse(stdout)).toMatchObject([
    { id: failed, state: 'failed', createdAt, error: { message } },
    { id: cancelled, state: 'failed', createdAt, modifiedAt: '2026-03-01T12:00:01Z', error: { code: 1 } },
    { id: started.id, state: 'succeeded' },
  ]);
});

test('a file that no FakeCloud wrote is refused, and a line that was cut off is not', async () => {
  await writeFile(file, '{"id":"fc1","createdAt":1,"script":{"response":{"@type":"a.B"}}}\n{"id":"fc2","crea');
  await (await FakeCloud.start({ file })).close();
  expect(await readFile(file, 'utf8')).toBe('{"id":"fc1","createdAt":1,"script":{"response":{"@type":"a.B"}}}\n');
  for (const [line, problem] of [
    ['no JSON', 'line 1 cannot be read .*JSON'],
    ['{"id":"fc1","script":{"response":{"@type":"a.B"}}}', 'createdAt is undefined'],
    ['{"id":"fc1","createdAt":1,"script":{"refuse":{"code":8}}}', 'only a method can refuse'],
  ]) {
    await writeFile(file, `${line}\n`);
    await expect(FakeCloud.start({ file })).rejects.toThrow(new RegExp(`^file is .*${problem}.*or delete this one`));
  }
});

test('the oldest operations are forgotten when there are too many, unless they are still in progress', () => {
  const operations = new ScriptedOperations(loadDescriptors([SET]), undefined, 3);
  const done = checked({ response: EMPTY });
  const begin = (script: CheckedOperation, key: string) => operations.begin(script, T0, { method: '/a.B/C', key }).id;
  const running = begin(checked({ after: '1 h', response: EMPTY }), 'running');
  const ids = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => begin(done, key));
  expect(ids.slice(0, 3).map((id) => operations.find(id))).toEqual([undefined, undefined, undefined]);
  expect(operations.find(ids[5] ?? '')).toBeDefined();
  expect(operations.find(running)).toBeDefined();
  expect(operations.startedBy('/a.B/C', 'a')).toBeUndefined();
  expect(operations.startedBy('/a.B/C', 'running')?.id).toBe(running);
});
