import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { decodeProtectedHeader, jwtVerify, type JWTPayload } from 'jose';
import { nebiusServiceAccountKey, operationFailure, type NebiusKey } from 'temporal-lro';
import { method } from '../src/apis/envelope';
import { ServiceAccountCredentials } from '../src/apis/iam';
import { CredentialsError } from '../src/credentials/credentials';
import { statusCode } from '../src/model/snapshot';
import { CallFailure, UnaryServer } from '../src/testing/server';
import { authorizedKey, newNebiusToken, relay } from './support/guarded-cloud';
import { deafListener } from './support/deaf-listener';
import { MARK } from './support/left-behind';
import { freeAddress, listen } from './support/listen';

// With Nebius's own code: interop-credentials.test.ts.

const EXCHANGE = method('Exchange', 'nebius.iam.v1.TokenExchangeService');
const AUDIENCE = 'token-service.iam.new.nebiuscloud.net';

const { file, publicKey } = authorizedKey();
const key: NebiusKey = {
  serviceAccountId: 'serviceaccount-e00x',
  publicKeyId: 'publickey-e00x',
  privateKey: file.private_key,
};
/** The file that `nebius iam auth-public-key generate` writes. */
const written = {
  'subject-credentials': {
    type: 'JWT',
    alg: 'RS256',
    'private-key': file.private_key,
    kid: key.publicKeyId,
    iss: key.serviceAccountId,
    sub: key.serviceAccountId,
  },
};

let answer: (jwt: string) => Promise<Buffer> | Buffer;
const requests: Record<string, unknown>[] = [];
const server = new UnaryServer();
let address: string;
let directory: string;
beforeAll(async () => {
  address = await server.listen(0);
  server.answer(EXCHANGE.path, async ({ body }) => {
    const request: Record<string, unknown> = { ...EXCHANGE.requestDeserialize(body) };
    requests.push(request);
    return { body: await answer(String(request.subjectToken)) };
  });
});
afterAll(() => server.close());
beforeEach(() => {
  requests.splice(0);
  answer = reply({ accessToken: newNebiusToken(), expiresIn: 3600 });
  directory = mkdtempSync(join(tmpdir(), 'temporal-lro-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const reply = (fields: object) => () => EXCHANGE.responseSerialize(fields);

/** Also takes what the types do not allow. */
function make(given: unknown, options: object = { iamEndpoint: address, plaintext: true }): ServiceAccountCredentials {
  const made: unknown = Reflect.apply(nebiusServiceAccountKey, undefined, [given, options]);
  if (made instanceof ServiceAccountCredentials) return made;
  throw new Error('no credentials');
}

const get = (given: unknown = key) => make(given).getToken(AbortSignal.timeout(30_000));

const problemOf = async (work: Promise<unknown>): Promise<Error> => {
  const err: unknown = await work.catch((reason: unknown) => reason);
  if (err instanceof Error) return err;
  throw new Error(`no error: ${inspect(err)}`);
};

function keyFile(content: unknown): string {
  const path = join(directory, 'key.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

test.each<[string, () => unknown]>([
  ['its parts', () => key],
  ['the JSON of its parts', () => JSON.stringify(key)],
  ['a file with its parts', () => keyFile(key)],
  ['a file that the nebius tool has written', () => keyFile(written)],
  ['the JSON of such a file', () => JSON.stringify(written, null, 2)],
  ['such a file, parsed', () => written],
])('a key given as %s signs a JWT of at most five minutes, which is exchanged for a token', async (_, given) => {
  let payload: JWTPayload = {};
  answer = async (jwt) => {
    ({ payload } = await jwtVerify(jwt, publicKey, { algorithms: ['RS256'], audience: AUDIENCE }));
    expect(decodeProtectedHeader(jwt).kid).toBe(key.publicKeyId);
    return EXCHANGE.responseSerialize({ accessToken: 'ne1token', expiresIn: 3600 });
  };
  const began = Date.now();
  const { token, expiresAt } = await get(given());
  expect(token).toBe('ne1token');
  expect(Math.abs((expiresAt?.getTime() ?? 0) - began - 3_600_000)).toBeLessThan(30_000);
  const { exp = 0, iat = 0, iss, sub } = payload;
  expect([iss, sub]).toEqual([key.serviceAccountId, key.serviceAccountId]);
  expect(exp - iat).toBe(300);
  expect(requests[0]).toMatchObject({
    grantType: 'urn:ietf:params:oauth:grant-type:token-exchange',
    requestedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt',
  });
});

test('a key that is replaced in its file is used for the next token', async () => {
  const other = authorizedKey();
  const path = keyFile({ ...key, privateKey: other.file.private_key });
  const credentials = make(path);
  answer = async (jwt) => {
    await jwtVerify(jwt, publicKey);
    return reply({ accessToken: 'ne1token', expiresIn: 60 })();
  };
  await expect(credentials.getToken(AbortSignal.timeout(30_000))).rejects.toThrow();
  keyFile(key);
  expect(await credentials.getToken(AbortSignal.timeout(30_000))).toMatchObject({ token: 'ne1token' });
});

test.each([
  ['60', 60_000],
  ['9223372036854775807', 8.64e15],
])('%s seconds to live is an end that a Date can hold', async (expiresIn, expected) => {
  answer = reply({ accessToken: 'ne1token', expiresIn });
  const { expiresAt } = await get();
  const end = expiresAt?.getTime() ?? 0;
  expect(expected < 8e15 ? end - Date.now() : end).toBeGreaterThan(expected - 30_000);
  expect(expected < 8e15 ? end - Date.now() : end).toBeLessThanOrEqual(expected);
});

test.each(['0', '-1', undefined])('%s seconds to live is no end', async (expiresIn) => {
  answer = reply({ accessToken: 'ne1token', ...(expiresIn !== undefined && { expiresIn }) });
  expect(await get()).toEqual({ token: 'ne1token' });
});

const failing = (code: Parameters<typeof statusCode>[0]) => (jwt: string) => {
  throw new CallFailure(statusCode(code), `Bad JWT ${jwt}`);
};

test.each<[string, (jwt: string) => Buffer, RegExp, boolean]>([
  [
    'refuses the key',
    failing('UNAUTHENTICATED'),
    /refused key publickey-e00x of service account serviceaccount-e00x \(UNAUTHENTICATED: Bad JWT \[redacted\]\): check that the key exists in this cloud, that token-service\.iam\.new\.nebiuscloud\.net is the audience .* clock is right: it says 20/,
    true,
  ],
  ['forbids it', failing('PERMISSION_DENIED'), /refused key/, true],
  ['does not exist', failing('UNIMPLEMENTED'), /refused key/, true],
  ['is overloaded', failing('RESOURCE_EXHAUSTED'), /: RESOURCE_EXHAUSTED: Bad JWT \[redacted\]$/, false],
  ['is restarting', failing('UNAVAILABLE'), /: UNAVAILABLE: /, false],
  ['returns no token', reply({ expiresIn: 60 }), /its reply has no token$/, false],
  ['returns nothing', () => Buffer.alloc(0), /its reply has no token$/, false],
  ['returns garbage', () => Buffer.from('<html>hello</html>'), /its reply is not a token \(/, false],
  ['returns 5 MB of garbage', () => Buffer.alloc(5e6, 'x'), /its reply /, false],
])('a token service that %s gives the right kind of error, without the JWT', async (_, given, message, isFinal) => {
  answer = given;
  const err = await problemOf(get());
  expect(err.message).toMatch(/^the token service at 127\.0\.0\.1:\d+/);
  expect(err.message).toMatch(message);
  expect(err instanceof CredentialsError).toBe(isFinal);
  expect(err.message.length).toBeLessThan(1_000);
  expect(inspect(err, { depth: Infinity, showHidden: true })).not.toContain(
    String(requests[0]?.subjectToken).slice(-40),
  );
});

test.each([
  ['fast', 3_600_000],
  ['slow', -3_600_000],
])('a clock that is an hour %s is reported together with the time of the token service', async (_, aheadMs) => {
  answer = async (jwt) => {
    const currentDate = new Date(Date.now() - aheadMs);
    await jwtVerify(jwt, publicKey, { currentDate, maxTokenAge: 300 }).catch((err: unknown) => {
      throw new CallFailure(statusCode('UNAUTHENTICATED'), String(err));
    });
    return reply({ accessToken: 'ne1token' })();
  };
  const err = await problemOf(get());
  expect(err.message).toMatch(/"(iat|exp)" claim.* clock is right: it says \S+, the token service's \S+$/);
});

test.each([
  ['almost two minutes fast', 110_000],
  ['almost three minutes slow', -170_000],
])('a machine whose clock is %s gets its token', async (_, aheadMs) => {
  answer = async (jwt) => {
    await jwtVerify(jwt, publicKey, { currentDate: new Date(Date.now() - aheadMs), maxTokenAge: 300 });
    return reply({ accessToken: 'ne1token' })();
  };
  expect(await get()).toEqual({ token: 'ne1token' });
});

describe('a token service that does not answer', () => {
  test.each<[string, () => Promise<{ address: string; close: () => unknown }>]>([
    ['to a connection', () => deafListener(address)],
    [
      'on a connection',
      async () => {
        const silent = createServer(() => undefined);
        return { address: await listen(silent), close: () => silent.close() };
      },
    ],
    [
      'any more on a connection that worked',
      async () => {
        const half = await relay(address);
        half.silence(true);
        return half;
      },
    ],
    ['to a call', () => Promise.resolve({ address, close: () => undefined })],
    ['because nobody listens', async () => ({ address: await freeAddress(), close: () => undefined })],
  ])('%s is given up with the signal, and the error says so', async (_, start) => {
    answer = () => new Promise(() => undefined);
    const given = await start();
    try {
      const credentials = make(key, { iamEndpoint: given.address, plaintext: true });
      const err = await problemOf(credentials.getToken(AbortSignal.timeout(300)));
      expect(err.message).toMatch(/^the token service at 127\.0\.0\.1:\d+: (CANCELLED|UNAVAILABLE)/);
      expect(err).not.toBeInstanceOf(CredentialsError);
    } finally {
      await given.close();
    }
  });
});

const { privateKey: elliptic } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const body = file.private_key.split('\n')[1] ?? '';
const changed = (changes: object): object => ({
  'subject-credentials': { ...written['subject-credentials'], ...changes },
});

test.each<[string, () => unknown, RegExp]>([
  [
    'undefined',
    () => undefined,
    /nebiusServiceAccountKey: the key is undefined: give \{ serviceAccountId, publicKeyId/,
  ],
  ['an empty text', () => ' ', /the key is empty/],
  ['a file that is not there', () => join(directory, 'none.json'), /none\.json cannot be read \(ENOENT\)/],
  ['a file that is no JSON', () => keyFile(file.private_key), /key\.json is not JSON/],
  ['a PEM in place of a file', () => file.private_key, /neither JSON nor a path/],
  ['a list', () => JSON.stringify([key]), /neither JSON nor a path|cannot be read/],
  ['a key of Yandex Cloud', () => file, /the key has no publicKeyId/],
  ['a key without an account', () => ({ ...key, serviceAccountId: '' }), /the key has no serviceAccountId/],
  ['a key without a private key', () => ({ ...key, privateKey: undefined }), /the key has no privateKey/],
  ['a file without an ID', () => keyFile(changed({ kid: undefined })), /the key file .* has no kid/],
  ['a file without a private key', () => changed({ 'private-key': 7 }), /the key has no private-key/],
  ['a file of another algorithm', () => changed({ alg: 'PS256' }), /alg is not RS256 in the key/],
  ['a file of another type', () => changed({ type: 'SAML' }), /type is not JWT in the key/],
  ['a file of two accounts', () => changed({ iss: 'serviceaccount-e00other' }), /iss and sub differ in the key/],
  ['a private key that is damaged', () => ({ ...key, privateKey: file.private_key.replace(body, 'x') }), /damaged/],
  ['a key of another kind', () => ({ ...key, privateKey: elliptic }), /is of type ec, .* accepts only rsa/],
  ['a key that is too short', () => ({ ...key, privateKey: authorizedKey(1024).file.private_key }), /1024 bits/],
])('a key given as %s is refused at construction, and not shown', (_, given, message) => {
  let err: unknown;
  try {
    make(given());
  } catch (thrown) {
    err = thrown;
  }
  expect(operationFailure(err)).toMatchObject({ type: 'OperationConfigurationError' });
  expect(operationFailure(err)?.message).toMatch(message);
  expect(inspect(err, { depth: Infinity })).not.toContain(body.slice(0, 40));
});

test.each([
  ['an unknown option', { endpoint: 'a:1' }, /nebiusServiceAccountKey: endpoint is "a:1": unknown option/],
  ['an address without a port', { iamEndpoint: 'a' }, /iamEndpoint is "a"/],
  ['plain text to another machine', { iamEndpoint: 'a.example:80', plaintext: true }, /a\.example:80 is not on this/],
])('%s is refused at construction', (_, options, message) => {
  expect(() => make(key, options)).toThrow(message);
});

test('the credentials show nothing of the key or of a token', async () => {
  const credentials = make(key);
  const { token } = await credentials.getToken(AbortSignal.timeout(30_000));
  expect(token).toContain(MARK);
  const shown = inspect(credentials, { depth: Infinity, showHidden: true }) + JSON.stringify(credentials);
  for (const hidden of [body.slice(0, 40), MARK]) expect(shown).not.toContain(hidden);
});
