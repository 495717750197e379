import { statusCode } from '../src/model/snapshot';
import { setTimeout } from 'node:timers/promises';
import { inspect } from 'node:util';
import { iamToken, OperationsClient, serviceAccountKey } from 'temporal-lro';
import { Channels } from '../src/transport/channel';
import { message, method } from '../src/apis/envelope';
import { SentTokens } from '../src/transport/sent-tokens';
import { TransportSecurity } from '../src/transport/tls';
import { CallFailure, UnaryServer } from '../src/testing/server';
import { authorizedKey, GuardedCloud } from './support/guarded-cloud';
import { MARK } from './support/left-behind';

// A token of no known shape, which could not be recognized by its text.
const FORMER = `${MARK}-former-s3cret`;
const NEXT = `${MARK}-next-s3cret`;

/** An Any without a descriptor, which is passed on as bytes. */
const unknown = (text: string) => ({ type_url: 'type.googleapis.com/x.Unknown', value: Buffer.from(`\n${text}`) });

/** The text together with the text of bytes that were passed on as base64. */
function shown(value: unknown): string {
  const text = inspect(value, { depth: Infinity, showHidden: true });
  const bytes = [...text.matchAll(/base64: '([^']+)'/g)].map(([, base64 = '']) => Buffer.from(base64, 'base64'));
  return [text, ...bytes.map(String)].join('\n');
}

test.each<[string, (echo: string) => object]>([
  ['a description', (echo) => ({ description: echo })],
  ['metadata', (echo) => ({ metadata: unknown(echo) })],
  ['a response', (echo) => ({ done: true, response: unknown(echo) })],
  [
    'the error of an operation',
    (echo) => ({ done: true, error: { code: 13, message: echo, details: [unknown(echo)] } }),
  ],
  [
    'the error of a call',
    (echo) => {
      const details = [unknown(echo)];
      const status = message('google.rpc.Status').serialize({ code: 9, message: echo, details });
      throw new CallFailure(statusCode('FAILED_PRECONDITION'), echo, status);
    },
  ],
])('what a server has kept of a former token is not passed on in %s', async (_, answer) => {
  const cloud = await GuardedCloud.start(authorizedKey().publicKey);
  const tokens = [FORMER, NEXT];
  const credentials = iamToken(() => tokens.shift() ?? '');
  const client = OperationsClient.connect({ endpoint: cloud.address, plaintext: true, credentials });
  try {
    let kept = '';
    cloud.operation = (id, authorization) => {
      kept ||= authorization.slice('Bearer '.length);
      return id === 'start' ? { id } : { id, ...answer(`kept ${kept}, got ${authorization}`) };
    };
    cloud.tokens.add(FORMER);
    await client.get('start');
    // The token of this call counts as revoked: the next call obtains another one.
    cloud.tokens.clear();
    cloud.tokens.add(NEXT);
    const found = shown(await client.get('operation').catch((err: unknown) => err));
    expect(kept).toBe(FORMER);
    expect(cloud.calls.at(-1)?.authorization).toBe(`Bearer ${NEXT}`);
    expect(found).toContain(`kept ${'*'.repeat(FORMER.length)}, got `);
    expect(found).not.toContain(FORMER);
    expect(found).not.toContain(NEXT);
  } finally {
    client.close();
    await cloud.close();
  }
});

test('a token that was sent to one address is not passed on from another address, not even from a header', async () => {
  const { path } = method('Get');
  const servers = [new UnaryServer(), new UnaryServer()];
  const channels = new Channels(new TransportSecurity(), true);
  try {
    for (const server of servers) {
      server.answer(path, () => Promise.resolve({ body: Buffer.from(FORMER), headers: { 'x-request-id': FORMER } }));
    }
    const [first = '', second = ''] = await Promise.all(servers.map((server) => server.listen(0)));
    const call = { path, body: Buffer.alloc(0), timeoutMs: 5_000 };
    await channels.to(first).unary({ ...call, token: FORMER });
    const { body, header } = await channels.to(second).unary({ ...call, token: NEXT });
    const mask = '*'.repeat(FORMER.length);
    expect([body.toString(), header('x-request-id')]).toEqual([mask, mask]);
  } finally {
    channels.close();
    await Promise.all(servers.map((server) => server.close()));
  }
});

test('a call hides its own token, although a hundred others were sent before its reply', async () => {
  const { path } = method('Get');
  const server = new UnaryServer();
  const channels = new Channels(new TransportSecurity(), true);
  try {
    let answer = (): void => undefined;
    const othersAreDone = new Promise<void>((resolve) => (answer = resolve));
    server.answer(path, async ({ body }) => {
      if (body.length > 0) await othersAreDone;
      return { body: Buffer.from(FORMER) };
    });
    const channel = channels.to(await server.listen(0));
    const call = { path, timeoutMs: 10_000 };
    const reply = channel.unary({ ...call, body: Buffer.from('slow'), token: FORMER });
    const others = Array.from({ length: 100 }, (_, index) => `another-token-${index}.`);
    await Promise.all(others.map((token) => channel.unary({ ...call, body: Buffer.alloc(0), token })));
    answer();
    expect((await reply).body.toString()).toBe('*'.repeat(FORMER.length));
  } finally {
    channels.close();
    await server.close();
  }
});

test('a token service may return a former token again', async () => {
  const key = authorizedKey();
  const server = new UnaryServer();
  const get = method('Get');
  const create = method('Create', 'yandex.cloud.iam.v1.IamTokenService');
  const seen: (string | undefined)[] = [];
  server.answer(get.path, (call) => {
    seen.push(call.header('authorization'));
    return Promise.resolve({ body: get.responseSerialize({ id: 'running' }) });
  });
  let given = 0;
  server.answer(create.path, () => {
    given++;
    const endsAtMs = Date.now() + 500;
    const expiresAt = { seconds: String(Math.floor(endsAtMs / 1000)), nanos: (endsAtMs % 1000) * 1e6 };
    return Promise.resolve({ body: create.responseSerialize({ iamToken: FORMER, expiresAt }) });
  });
  const endpoint = await server.listen(0);
  const client = OperationsClient.connect({ endpoint, plaintext: true, credentials: serviceAccountKey(key.file) });
  try {
    await client.get('running');
    await setTimeout(600);
    await client.get('running');
    expect([given, seen]).toEqual([2, [`Bearer ${FORMER}`, `Bearer ${FORMER}`]]);
  } finally {
    client.close();
    await server.close();
  }
});

test('a token is known for 12 h after it was sent last, and the newest 100 of them are', () => {
  let now = 0;
  const sent = new SentTokens(() => now);
  const token = (name: string): string => `${name}-token-${'x'.repeat(20)}.`;
  const isKnown = (name: string): boolean => sent.hideInText(token(name)) !== token(name);
  sent.add(token('first'));
  now = 3_600_000;
  sent.add(token('second'));
  now = 12 * 3_600_000;
  sent.add(token('first'));
  now += 3_600_001;
  sent.add(token('third'));
  expect(['first', 'second', 'third'].map(isKnown)).toEqual([true, false, true]);
  for (let index = 0; index < 99; index++) sent.add(token(String(index)));
  expect(['first', 'third', '0', '98'].map(isKnown)).toEqual([false, true, true, true]);
});

test('tokens with the same prefix and tokens that overlap are hidden entirely, and bytes without a token are not changed', () => {
  const sent = new SentTokens();
  const plain = Buffer.from('no secret');
  expect(sent.hideIn(plain)).toBe(plain);
  const [abc, def, xyz] = ['abc', 'def', 'xyz'].map((name) => name.repeat(7));
  for (const token of [abc, `${abc}-${def}`, `${def}-${xyz}`, '', undefined]) sent.add(token);
  const mask = (length: number): string => `<${'*'.repeat(length)}>`;
  expect(sent.hideInText(`<${abc}-${def}-${xyz}> <${abc}> <${abc}-${def}>`)).toBe(
    `${mask(65)} ${mask(21)} ${mask(43)}`,
  );
  expect(sent.hideIn(plain)).toBe(plain);
  expect(plain.toString()).toBe('no secret');
});

test.each(['prod', 'fakecloud', 'production-network1'])(
  'what is shorter than any real token is not hidden: %s',
  (token) => {
    const sent = new SentTokens();
    sent.add(token);
    expect(sent.hideInText(`type.googleapis.com/${token}.v1.Network ${token}-net`)).toContain(`${token}-net`);
    sent.add(token.padEnd(20, '.'));
    expect(sent.hideInText(token.padEnd(20, '.'))).toBe('*'.repeat(20));
  },
);

test('a reply keeps names that contain a word which somebody uses as a token', async () => {
  const cloud = await GuardedCloud.start(authorizedKey().publicKey);
  cloud.tokens.add('prod');
  cloud.operation = (id) => ({ id, description: 'Create network prod-net' });
  const credentials = iamToken('prod');
  const client = OperationsClient.connect({ endpoint: cloud.address, plaintext: true, credentials });
  try {
    expect(await client.get('running')).toMatchObject({ description: 'Create network prod-net' });
  } finally {
    client.close();
    await cloud.close();
  }
});
