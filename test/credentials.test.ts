import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OperationsClient, serviceAccountKey, yandexCloud, type CloudOptions } from 'temporal-lro';
import { AUDIENCE, authorizedKey, GuardedCloud } from './support/guarded-cloud';

const key = authorizedKey();
let cloud: GuardedCloud;
let directory: string;
const clients: OperationsClient[] = [];

beforeEach(async () => {
  cloud = await GuardedCloud.start(key.publicKey);
  directory = mkdtempSync(join(tmpdir(), 'temporal-lro-'));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  rmSync(directory, { recursive: true });
  await cloud.close();
});

function connect(options: Partial<CloudOptions>): OperationsClient {
  const client = OperationsClient.connect({ plaintext: true, ...options });
  clients.push(client);
  return client;
}

function keyFile(text: string): string {
  const path = join(directory, 'key.json');
  writeFileSync(path, text);
  return path;
}

const warned = { ...key.file, private_key: `PLEASE DO NOT REMOVE THIS LINE! <key>\n${key.file.private_key}` };

test.each([
  ['a file', () => keyFile(JSON.stringify(key.file))],
  ['a file with a line of warning before the PEM', () => keyFile(JSON.stringify(warned, null, 2))],
  ['JSON, as an environment variable holds it', () => JSON.stringify(key.file)],
  ['an object', () => key.file],
])('a service account key given as %s gets tokens of the cloud that discovery names', async (_, given) => {
  const client = connect({ discovery: cloud.address, credentials: serviceAccountKey(given()) });
  expect(await client.get('done')).toMatchObject({ state: 'succeeded' });
  expect(cloud.callsOf('Get').map(({ authorization }) => authorization)).toEqual([`Bearer ${[...cloud.tokens][0]}`]);
});

test('the JWT is signed by PS256, valid for an hour at most, and names the key, the account and the audience', async () => {
  const client = connect(yandexCloud({ discovery: cloud.address, credentials: serviceAccountKey(key.file) }));
  await client.get('done');
  const [{ payload, protectedHeader } = { payload: {}, protectedHeader: { alg: '' } }] = cloud.jwts;
  expect(protectedHeader).toEqual({ alg: 'PS256', typ: 'JWT', kid: key.file.id });
  expect(payload).toMatchObject({ iss: key.file.service_account_id, aud: AUDIENCE });
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600);
});

test('the services that give endpoints and tokens are called without a token', async () => {
  const client = connect({ discovery: cloud.address, credentials: serviceAccountKey(key.file) });
  await client.get('done');
  expect(cloud.calls.map(({ path, authorization }) => [path.split('/')[2], authorization !== undefined])).toEqual([
    ['List', false],
    ['Create', false],
    ['Get', true],
  ]);
});
