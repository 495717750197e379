import { statusCode } from '../src/model/snapshot';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { inspect } from 'node:util';
import {
  iamToken,
  OperationsClient,
  OperationServiceError,
  operationFailure,
  serviceAccountKey,
  yandexCloud,
  yandexCloudKazakhstan,
  type CloudOptions,
} from 'temporal-lro';
import { CallFailure } from '../src/testing/server';
import { AUDIENCE, authorizedKey, GuardedCloud, newToken, relay } from './support/guarded-cloud';

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

test('the JWT is signed with PS256, is valid for at most an hour, and names the key, the account and the audience', async () => {
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

test('a key that is replaced in its file is used without a restart', async () => {
  const other = authorizedKey();
  const path = keyFile(JSON.stringify(other.file));
  const client = connect({ endpoint: cloud.address, credentials: serviceAccountKey(path) });
  await expect(client.get('done')).rejects.toThrow(/refused key ajek1testkey00000000/);
  keyFile(JSON.stringify(key.file));
  // Until the backoff after a refusal, 1 s ± 50 %, must be over.
  const began = Date.now();
  let operation;
  while (!operation && Date.now() - began < 10_000) {
    await setTimeout(50);
    operation = await client.get('done').catch(() => undefined);
  }
  expect(operation).toMatchObject({ state: 'succeeded' });
});

test('a key file that has become unreadable stops nothing: the former key stays in use, and a warning is logged', async () => {
  const path = keyFile(JSON.stringify(key.file));
  const client = connect({ endpoint: cloud.address, credentials: serviceAccountKey(path) });
  rmSync(path);
  const warn = jest.spyOn(process, 'emitWarning').mockReturnValue();
  expect(await client.get('done')).toMatchObject({ state: 'succeeded' });
  expect(warn.mock.calls).toEqual([
    [expect.stringMatching(/cannot be read \(ENOENT\).*; the previous key stays in use$/)],
  ]);
  warn.mockRestore();
});

const refused = async (client: OperationsClient): Promise<OperationServiceError> => {
  const err: unknown = await client.get('done').catch((reason: unknown) => reason);
  if (!(err instanceof OperationServiceError)) throw new Error(`No OperationServiceError: ${inspect(err)}`);
  return err;
};

test('a key of another cloud, a wrong audience or a wrong clock is refused with an error that says what to check', async () => {
  const credentials = serviceAccountKey(key.file);
  const client = connect(yandexCloudKazakhstan({ discovery: cloud.address, credentials }));
  const err = await refused(client);
  expect(err.codeName).toBe('UNAUTHENTICATED');
  expect(err.message).toMatch(
    /no token: the token service at 127\.0\.0\.1:\d+ refused key ajek1testkey00000000 of service account aje1testaccount00000 \(UNAUTHENTICATED: Bad JWT \[redacted\]: .*"aud".*\): check that the key exists in this cloud, that https:\/\/iam\.api\.yandexcloud\.kz\/iam\/v1\/tokens is the audience which this cloud expects, and that this machine's clock is right: it says 20/,
  );
  expect(err.stack).not.toMatch(/jose|grpc-js/);
});

const TIMERS = [
  'clearImmediate',
  'clearInterval',
  'clearTimeout',
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
] as const;

/** Runs with this machine's clock ahead of the cloud's; timers still run in real time. */
async function withClockAhead<T>(aheadMs: number, work: () => Promise<T>): Promise<T> {
  cloud.now = () => Date.now() - aheadMs;
  jest.useFakeTimers({ now: Date.now() + aheadMs, doNotFake: [...TIMERS] });
  return work().finally(() => jest.useRealTimers());
}

test.each([
  ['fast', 3_600_000, 'iat'],
  ['slow', -3_600_000, 'exp'],
])('a clock that is an hour %s is reported together with the time of the token service', async (_, aheadMs, claim) => {
  const client = connect({ discovery: cloud.address, credentials: serviceAccountKey(key.file) });
  const began = Date.now();
  const err = await withClockAhead(aheadMs, () => refused(client));
  expect(err.codeName).toBe('UNAUTHENTICATED');
  expect(err.message).toContain(`"${claim}" claim`);
  const [, ours = '', theirs = ''] =
    /check .* that this machine's clock is right: it says (\S+), the token service's (\S+)$/.exec(err.message) ?? [];
  expect(Math.abs(Date.parse(ours) - began - aheadMs)).toBeLessThan(10_000);
  expect(Math.abs(Date.parse(theirs) - began)).toBeLessThan(10_000);
});

test.each([
  ['four minutes fast', 4 * 60_000],
  ['fifty minutes slow', -50 * 60_000],
])('a machine whose clock is %s gets its token', async (_, aheadMs) => {
  const client = connect({ discovery: cloud.address, credentials: serviceAccountKey(key.file) });
  expect(await withClockAhead(aheadMs, () => client.get('done'))).toMatchObject({ state: 'succeeded' });
});

const signed = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const body = key.file.private_key.split('\n')[1] ?? '';

test.each<[string, () => unknown, RegExp]>([
  ['undefined, as an environment variable that is not set', () => undefined, /the key is undefined: give a key as "yc/],
  ['an empty string', () => '', /the key is empty/],
  [
    'a file that is not there',
    () => join(directory, 'none.json'),
    /the key file .*none\.json cannot be read \(ENOENT\)/,
  ],
  ['a directory', () => directory, /cannot be read \(EISDIR\)/],
  ['a file that is no JSON', () => keyFile(key.file.private_key), /the key file .*key\.json is not JSON/],
  ['JSON that is cut', () => JSON.stringify(key.file).slice(0, -20), /the key is not JSON/],
  ['a PEM in place of a file', () => key.file.private_key, /the key is neither JSON nor a path/],
  ['a key without an id', () => ({ ...key.file, id: undefined }), /the key has no id/],
  ['a key without an account', () => ({ ...key.file, service_account_id: '' }), /the key has no service_account_id/],
  ['a key without a private key', () => ({ ...key.file, private_key: undefined }), /the key has no private_key/],
  ['a private key that is no PEM', () => ({ ...key.file, private_key: body }), /private_key of the key is not PEM/],
  [
    'a private key that is damaged',
    () => ({ ...key.file, private_key: key.file.private_key.replace(body, 'x') }),
    /cannot be read: it is damaged or encrypted/,
  ],
  [
    'a key of another kind',
    () => ({ ...key.file, private_key: signed.privateKey }),
    /is of type ec, .* accepts only rsa/,
  ],
  ['a key that is too short', () => authorizedKey(1024).file, /has 1024 bits, but the cloud requires 2048/],
])('a service account key given as %s is refused at construction, and not shown', (_, given, message) => {
  // Values that JavaScript lets through.
  const make = (): unknown => Reflect.apply(serviceAccountKey, undefined, [given()]);
  let err: unknown;
  try {
    make();
  } catch (thrown) {
    err = thrown;
  }
  expect(operationFailure(err)).toMatchObject({ type: 'OperationConfigurationError' });
  expect(operationFailure(err)?.message).toMatch(message);
  expect(inspect(err, { depth: Infinity })).not.toContain(body.slice(0, 40));
});

test('a service account key is not shown by inspect or JSON', () => {
  const shown = serviceAccountKey(key.file);
  for (const text of [inspect(shown, { depth: Infinity, showHidden: true }), JSON.stringify(shown)]) {
    expect(text).not.toContain(body.slice(0, 40));
  }
});

test('when an IAM token is refused, its function is called once for all calls', async () => {
  const tokens = [newToken(), newToken()];
  let asked = 0;
  const client = connect({ endpoint: cloud.address, credentials: iamToken(() => tokens[asked++] ?? '') });
  cloud.tokens.add(tokens[1] ?? '');
  const operations = await Promise.all(Array.from({ length: 50 }, () => client.get('done')));
  expect(operations).toHaveLength(50);
  expect(asked).toBe(2);
});

test('a call whose token is refused is not repeated when there is no other token', async () => {
  const client = connect({ endpoint: cloud.address, credentials: iamToken(newToken()) });
  expect((await refused(client)).codeName).toBe('UNAUTHENTICATED');
  expect(cloud.callsOf('Get')).toHaveLength(1);
});

test('what a server echoes of the token is not passed on', async () => {
  // A token of no known shape, which could not be recognized by its text.
  const token = 'opaque-s3cret-of-my-own-provider';
  const client = connect({ endpoint: cloud.address, credentials: iamToken(token) });
  const err = await refused(client);
  expect(err.rawMessage).toMatch(/^The token is invalid\. Request: authorization: \[redacted\] ?\**$/);
  expect(inspect(err, { depth: Infinity })).not.toContain(token);
});

test('the error of a call says that its token provider failed', async () => {
  const credentials = { getToken: () => Promise.reject(new Error('vault is sealed')) };
  const err = await refused(connect({ endpoint: cloud.address, credentials }));
  expect(err).toMatchObject({ codeName: 'UNAVAILABLE', rawMessage: 'no token: vault is sealed' });
});

test.each([
  ['undefined', undefined, /iamToken: token is undefined: give an IAM token, or a function/],
  ['empty', ' ', /iamToken: token is an empty string: give/],
])('an IAM token that is %s is refused at construction', (_, token, message) => {
  expect(() => void Reflect.apply(iamToken, undefined, [token])).toThrow(message);
});

test('a token service whose connection is half-open is given up, and the error of the call says so', async () => {
  const half = await relay(cloud.address);
  half.silence(true);
  try {
    const credentials = serviceAccountKey(key.file, { iamEndpoint: half.address, plaintext: true });
    await expect(credentials.getToken(AbortSignal.timeout(300))).rejects.toThrow(
      /^the token service at 127\.0\.0\.1:\d+: CANCELLED/,
    );
  } finally {
    await half.close();
  }
});

test('an outage of the token service fails no wait', async () => {
  let asked = 0;
  cloud.before = ({ path }) => {
    if (path.endsWith('.IamTokenService/Create') && ++asked <= 2) {
      throw new CallFailure(statusCode('UNAVAILABLE'), 'restarting');
    }
  };
  const client = connect({ endpoint: cloud.address, credentials: serviceAccountKey(key.file) });
  expect(await client.wait('done', { poll: { initialInterval: '100 ms' } })).toMatchObject({
    '@type': 'type.googleapis.com/google.protobuf.Empty',
  });
  expect(asked).toBe(3);
});
