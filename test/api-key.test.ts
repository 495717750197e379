import { inspect } from 'node:util';
import { apiKey, iamToken, operationFailure, OperationsClient, OperationServiceError } from 'temporal-lro';
import { authorizedKey, GuardedCloud, newToken } from './support/guarded-cloud';
import { MARK } from './support/left-behind';

const KEY = `eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOlsidGVtcG9yYWwuaW8iXX0.${MARK}${newToken().slice(-70)}`;

let cloud: GuardedCloud;
beforeAll(async () => (cloud = await GuardedCloud.start(authorizedKey().publicKey)));
beforeEach(() => cloud.calls.splice(0));
afterAll(() => cloud.close());

async function outcome(key: string | (() => string | Promise<string>)): Promise<unknown> {
  const client = OperationsClient.connect({ endpoint: cloud.address, plaintext: true, credentials: apiKey(key) });
  const end: unknown = await client.get('done').catch((err: unknown) => err);
  client.close();
  return end;
}

test.each<[string, string | (() => string | Promise<string>)]>([
  ['a text', KEY],
  ['the content of a file, which ends with a line break', `${KEY}\n`],
  ['a function', () => KEY],
  ['a function that reads it', () => Promise.resolve(`${KEY}\n`)],
])('an API key given as %s is sent as a bearer token', async (_, key) => {
  cloud.tokens.add(KEY);
  expect(await outcome(key)).toMatchObject({ state: 'succeeded' });
  expect(cloud.calls.map(({ authorization }) => authorization)).toEqual([`Bearer ${KEY}`]);
});

test('a key that is rotated is used for the call that was refused with the former one', async () => {
  const keys = [`${MARK}-the-former-key-of-ours`, KEY];
  expect(await outcome(() => keys.shift() ?? KEY)).toMatchObject({ state: 'succeeded' });
});

const HEADER = /contains spaces, line breaks or other characters that are not allowed in a header/;

test.each<[string, unknown, RegExp]>([
  [
    'undefined, as an environment variable that is not set',
    undefined,
    /apiKey: key is undefined: give an API key, or a function/,
  ],
  ['null', null, /apiKey: key is object/],
  ['empty', '', /apiKey: key is an empty string/],
  ['only spaces', ' \n', /apiKey: key is an empty string/],
  ['an object', { key: KEY }, /apiKey: key is object/],
  ['a header', `Bearer ${KEY}`, HEADER],
  ['two lines', `${KEY}\n${KEY}`, HEADER],
  ['with a NUL', `${KEY}\0`, HEADER],
  ['with letters that are not ASCII', `${KEY}ключ`, HEADER],
  ['with a space that does not break', `${KEY}\u00a0x`, HEADER],
  ['5 MB', KEY.repeat(30_000), /has \d+ characters, but a header holds at most 16384/],
])('an API key that is %s is refused at construction, and not shown', (_, key, message) => {
  let err: unknown;
  try {
    Reflect.apply(apiKey, undefined, [key]);
  } catch (thrown) {
    err = thrown;
  }
  expect(operationFailure(err)).toMatchObject({ type: 'OperationConfigurationError' });
  expect(operationFailure(err)?.message).toMatch(message);
  expect(inspect(err, { depth: Infinity })).not.toContain(MARK);
  if (typeof key === 'string') expect(() => iamToken(key)).toThrow(/^iamToken: token/);
});

test.each<[string, () => unknown, RegExp]>([
  ['nothing', () => undefined, /returned no token/],
  ['two lines', () => `${KEY}\n${KEY}`, HEADER],
  ['5 MB', () => KEY.repeat(30_000), /16384/],
  ['an object', () => ({ key: KEY }), /returned no token/],
])('a function that returns %s gives an error that does not show it, and sends nothing', async (_, key, message) => {
  // The types do not allow it.
  const err = await outcome(new Proxy(() => '', { apply: () => key() }));
  expect(err).toBeInstanceOf(OperationServiceError);
  expect(err).toMatchObject({ codeName: 'UNAUTHENTICATED', rawMessage: expect.stringMatching(message) as unknown });
  expect(inspect(err, { depth: Infinity, showHidden: true })).not.toContain(MARK);
  expect(cloud.calls).toEqual([]);
});

test.each<[string, string | (() => string)]>([
  ['a text', KEY],
  ['a function', () => KEY],
])('the credentials of %s show nothing of it', (_, key) => {
  const shown = apiKey(key);
  expect(inspect(shown, { depth: Infinity, showHidden: true }) + JSON.stringify(shown)).not.toContain(MARK);
});
