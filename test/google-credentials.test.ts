import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';
import { googleCredentials, operationFailure, type Credentials, type GoogleAuthLike } from 'temporal-lro';
import { CredentialsError } from '../src/credentials/credentials';
import { GoogleCredentials } from '../src/credentials/google';
import { newGoogleToken } from './support/guarded-cloud';
import { MARK } from './support/left-behind';

// With the library itself: google-library.test.ts.

const get = (credentials: Credentials) => credentials.getToken(AbortSignal.timeout(30_000));

/** Also makes what the types do not allow. */
const given = (answer: unknown): Credentials => {
  const made: unknown = Reflect.apply(googleCredentials, undefined, [
    { getAccessToken: () => Promise.resolve(answer) },
  ]);
  if (made instanceof GoogleCredentials) return made;
  throw new Error('no credentials');
};

test.each<[string, unknown]>([
  ['a string', 'ya29.of-mine-x'],
  ['an object', { token: 'ya29.of-mine-x' }],
])('a client may return its token as %s', async (_, answer) => {
  expect(await get(given(answer))).toEqual({ token: 'ya29.of-mine-x' });
});

test.each<[string, unknown]>([
  ['null', null],
  ['undefined', undefined],
  ['an empty string', ''],
  ['an object without a token', {}],
  ['an object with null', { token: null }],
  ['a number', 7],
])('a client that returns %s is an error that says what to change', async (_, answer) => {
  const err: unknown = await get(given(answer)).catch((reason: unknown) => reason);
  expect(err).toBeInstanceOf(CredentialsError);
  expect(String(err)).toMatch(/returned no token: give a client that has one/);
});

test('a token of which the client has no other, as that of a metadata service, is returned again', async () => {
  const credentials = given('ya29.always-the-same');
  await get(credentials);
  expect(await get(credentials)).toEqual({ token: 'ya29.always-the-same' });
});

describe('a call that does not return', () => {
  test('ends with the signal; calls of the next minute join it', async () => {
    let calls = 0;
    let finish: (token: string) => void = () => undefined;
    const credentials = googleCredentials({
      getAccessToken: () => {
        calls++;
        return new Promise((resolve) => (finish = resolve));
      },
    });
    for (let n = 0; n < 3; n++) await expect(credentials.getToken(AbortSignal.timeout(20))).rejects.toThrow(/timeout/);
    expect(calls).toBe(1);
    const late = get(credentials);
    finish('ya29.late');
    expect(await late).toEqual({ token: 'ya29.late' });
  });

  test('is replaced after that, with a new object of the library', async () => {
    const made: number[] = [];
    const load = (): GoogleAuthLike => {
      const isFirst = made.push(made.length) === 1;
      return { getAccessToken: () => (isFirst ? new Promise(() => undefined) : Promise.resolve('ya29.of-the-second')) };
    };
    const credentials = new GoogleCredentials(load, 0);
    await expect(credentials.getToken(AbortSignal.timeout(20))).rejects.toThrow(/timeout/);
    expect(await get(credentials)).toEqual({ token: 'ya29.of-the-second' });
    expect(made).toHaveLength(2);
  });

  test('and fails after everybody has given up, is no unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): unknown => unhandled.push(reason);
    process.on('unhandledRejection', note);
    let fail: (err: Error) => void = () => undefined;
    const credentials = googleCredentials({ getAccessToken: () => new Promise((_, reject) => (fail = reject)) });
    await expect(credentials.getToken(AbortSignal.timeout(20))).rejects.toThrow(/timeout/);
    fail(new Error('too late'));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});

test.each<[string, unknown, RegExp]>([
  [
    'a token',
    newGoogleToken(),
    /googleCredentials: auth is a string: give a client of google-auth-library, or nothing/,
  ],
  ['null', null, /auth is null/],
  ['another object', { token: newGoogleToken() }, /auth is an object without getAccessToken/],
])('%s in place of a client is refused at construction, and not shown', (_, auth, message) => {
  let err: unknown;
  try {
    Reflect.apply(googleCredentials, undefined, [auth]);
  } catch (thrown) {
    err = thrown;
  }
  expect(operationFailure(err)).toMatchObject({ type: 'OperationConfigurationError' });
  expect(operationFailure(err)?.message).toMatch(message);
  expect(inspect(err)).not.toContain(MARK);
});

test('without the library, Application Default Credentials are refused at construction with what to install', async () => {
  // Every package but this one.
  const code = `
    const { Module } = require('module');
    const resolve = Module._resolveFilename;
    Module._resolveFilename = (name, ...rest) => {
      if (name === 'google-auth-library') throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' });
      return resolve(name, ...rest);
    };
    const { googleCredentials } = require(${JSON.stringify(join(__dirname, '../src/credentials/google'))});
    try { googleCredentials() } catch (err) { console.log(err.message) }
    console.log(typeof googleCredentials({ getAccessToken: async () => 'x' }).getToken);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', code]);
  expect(stdout.trim().split('\n')).toEqual([
    expect.stringContaining('google-auth-library is not installed: run "npm install google-auth-library"'),
    'function',
  ]);
});
