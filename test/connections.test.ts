import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { iamToken, OperationsClient, serviceAccountKey, type CloudOptions } from 'temporal-lro';
import { FakeCloud } from 'temporal-lro/testing';
import { Channels } from '../src/transport/channel';
import { Cloud } from '../src/cloud/cloud';
import { method } from '../src/apis/envelope';
import { Limiter } from '../src/transport/limiter';
import { TransportSecurity } from '../src/transport/tls';
import { authorizedKey, GuardedCloud, newToken, relay, startSink } from './support/guarded-cloud';
import { PROTO_DIRECTORY } from './support/proto';

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

function connect(options: CloudOptions): OperationsClient {
  const client = OperationsClient.connect(options);
  clients.push(client);
  return client;
}

const messageOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'no error',
    (err: unknown) => (err instanceof Error ? err.message : String(err)),
  );

test('services are called where `services` says, else where discovery says', async () => {
  const fake = await FakeCloud.start();
  try {
    const SET = join(PROTO_DIRECTORY, 'fakecloud.binpb');
    const start = (options: CloudOptions): Promise<string> =>
      messageOf(
        new Cloud('yandex', { plaintext: true, descriptors: [SET], ...options }).start(
          'fakecloud.v1.NetworkService/Create',
          { name: 'n' },
          'key',
        ),
      );
    const discovered = { discovery: cloud.address };
    expect(await start(discovered)).toMatch(
      /^services: the cloud lists no endpoint for fakecloud\.v1\.NetworkService: give its host:port/,
    );
    expect(await start({ ...discovered, services: { 'fakecloud.v1': fake.address } })).toBe('no error');
    cloud.endpoints.fakecloud = fake.address;
    expect(await start(discovered)).toBe('no error');
    expect(await start({ ...discovered, services: { fakecloud: '127.0.0.1:1' } })).toMatch(/UNAVAILABLE/);
    expect(fake.calls).toHaveLength(2);
  } finally {
    await fake.close();
  }
});

test('1,000 calls with 100 tokens need one connection per endpoint', async () => {
  const tokens = await GuardedCloud.start(key.publicKey);
  const discovery = await GuardedCloud.start(key.publicKey);
  const relays = await Promise.all([cloud, tokens, discovery].map(({ address }) => relay(address)));
  try {
    const [operation = '', iam = '', list = ''] = relays.map(({ address }) => address);
    discovery.endpoints = { operation, iam };
    const client = connect({ discovery: list, plaintext: true, credentials: serviceAccountKey(key.file) });
    for (let round = 0; round < 100; round++) {
      // The token is revoked: the next call obtains another one.
      tokens.tokens.clear();
      cloud.before = () => tokens.tokens.forEach((token) => cloud.tokens.add(token));
      cloud.tokens.clear();
      await Promise.all(Array.from({ length: 10 }, () => client.get('done')));
    }
    expect(tokens.callsOf('Create')).toHaveLength(100);
    expect(discovery.callsOf('List')).toHaveLength(1);
    expect(relays.map((one) => one.connections())).toEqual([1, 1, 1]);
  } finally {
    await Promise.all([...relays, tokens, discovery].map((one) => one.close()));
  }
});

describe('TLS', () => {
  const file = (name: string): string => join('test/support/tls', name);
  const GET = method('Get');
  let server: Server;
  let address: string;
  beforeEach(async () => {
    server = new Server();
    const done = GET.responseSerialize({ id: 'done' });
    const same = (bytes: Buffer): Buffer => bytes;
    server.register(
      GET.path,
      (_: unknown, callback: (err: null, reply: Buffer) => void) => callback(null, done),
      same,
      same,
      'unary',
    );
    const pair = { cert_chain: readFileSync(file('server.pem')), private_key: readFileSync(file('server.key')) };
    const credentials = ServerCredentials.createSsl(readFileSync(file('ca.pem')), [pair], true);
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', credentials, (err, bound) => (err ? reject(err) : resolve(bound))),
    );
    address = `localhost:${port}`;
  });
  afterEach(() => server.forceShutdown());

  /** Files that a test can replace, as a mounted secret is replaced. */
  function tls(
    ca: string,
    client = 'client',
  ): { rootCertificates: string; clientCertificate: string; clientKey: string } {
    const place = (name: string, from: string): string => {
      const path = join(directory, name);
      copyFileSync(file(from), path);
      return path;
    };
    return {
      rootCertificates: place('ca.pem', ca),
      clientCertificate: place('client.pem', `${client}.pem`),
      clientKey: place('client.key', `${client}.key`),
    };
  }

  test('takes a certificate of a private authority, and presents one of the client', async () => {
    const client = connect({ endpoint: address, tls: tls('ca.pem') });
    expect(await client.get('done')).toMatchObject({ state: 'running' });
    const { rootCertificates } = tls('ca.pem');
    const anonymous = connect({ endpoint: address, tls: { rootCertificates } });
    expect(await messageOf(anonymous.get('done'))).toMatch(/UNAVAILABLE/);
  });

  test('checks the name in the certificate, which serverName overrides', async () => {
    const named = connect({ endpoint: address, tls: { ...tls('ca.pem'), serverName: 'cloud.example' } });
    expect(await named.get('done')).toMatchObject({ state: 'running' });
    const other = connect({ endpoint: address, tls: { ...tls('ca.pem'), serverName: 'evil.example' } });
    expect(await messageOf(other.get('done'))).toMatch(/UNAVAILABLE.*(evil\.example|certificate)/);
  });

  test('refuses a certificate that nobody it trusts has signed', async () => {
    expect(await messageOf(connect({ endpoint: address }).get('done'))).toMatch(/UNAVAILABLE/);
    const client = connect({ endpoint: address, tls: tls('other-ca.pem') });
    expect(await messageOf(client.get('done'))).toMatch(/UNAVAILABLE/);
  });

  test('reads replaced files without a restart, and opens no new connection before', async () => {
    const files = tls('other-ca.pem');
    const client = connect({ endpoint: address, tls: files });
    expect(await messageOf(client.get('done'))).toMatch(/UNAVAILABLE/);
    copyFileSync(file('ca.pem'), files.rootCertificates);
    expect(await client.get('done')).toMatchObject({ state: 'running' });
    // The file is half-written: the former connection stays in use, and one warning is logged.
    const warn = jest.spyOn(process, 'emitWarning').mockReturnValue();
    writeFileSync(files.rootCertificates, '');
    expect(await client.get('done')).toMatchObject({ state: 'running' });
    expect(await client.get('done')).toMatchObject({ state: 'running' });
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/ca\.pem": give a PEM file.*; the previous connection stays in use/)],
    ]);
    warn.mockRestore();
    rmSync(files.rootCertificates);
    expect(await client.get('done')).toMatchObject({ state: 'running' });
    copyFileSync(file('other-ca.pem'), files.rootCertificates);
    expect(await messageOf(client.get('done'))).toMatch(/UNAVAILABLE/);
  });

  test('reaches a new address with the files that it read last, while they are being replaced', async () => {
    const files = tls('other-ca.pem');
    const channels = new Channels(new TransportSecurity({ ...files, serverName: 'cloud.example' }), false);
    const call = (to: string): Promise<string> =>
      messageOf(channels.to(to).unary({ path: GET.path, body: Buffer.alloc(0), timeoutMs: 5_000 }));
    const warn = jest.spyOn(process, 'emitWarning').mockReturnValue();
    try {
      // A worker that has just restarted.
      writeFileSync(files.rootCertificates, '');
      expect(await call(address)).toMatch(/certificate/);
      expect(warn.mock.calls).toEqual([
        [expect.stringMatching(/ca\.pem": give a PEM file.*; the previous connection stays in use/)],
      ]);
      copyFileSync(file('ca.pem'), files.rootCertificates);
      expect(await call(address)).toBe('no error');
      // Another address.
      rmSync(files.clientKey);
      expect(await call(address.replace('localhost', '127.0.0.1'))).toBe('no error');
      expect(warn).toHaveBeenLastCalledWith(expect.stringMatching(/client\.key": give a readable PEM file \(ENOENT\)/));
      expect(warn).toHaveBeenCalledTimes(2);
    } finally {
      warn.mockRestore();
      channels.close();
    }
  });

  test('the first call of a client waits out a file that is being replaced', async () => {
    const files = tls('ca.pem');
    const client = connect({ endpoint: address, tls: files });
    const warn = jest.spyOn(process, 'emitWarning').mockReturnValue();
    writeFileSync(files.clientCertificate, '');
    expect(await messageOf(client.get('done'))).toBe('no error');
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
  });
});

test('plain text goes through no proxy, and a host named like a scheme is a host', async () => {
  const sink = await startSink();
  try {
    process.env.grpc_proxy = `http://${sink.address}`;
    const client = connect({ endpoint: cloud.address, plaintext: true, credentials: iamToken(newToken()) });
    expect(await messageOf(client.get('done'))).toMatch(/UNAUTHENTICATED/);
    expect(sink.connections()).toBe(0);
  } finally {
    delete process.env.grpc_proxy;
    await sink.close();
  }
  expect(await messageOf(connect({ endpoint: 'unix:1', requestTimeout: '2 s' }).get('done'))).toMatch(
    /UNAVAILABLE|DEADLINE_EXCEEDED/,
  );
});

describe('limits', () => {
  test('no more calls are in flight than allowed, and each waits for its turn', async () => {
    const limiter = new Limiter(3);
    let [running, most] = [0, 0];
    const begun: number[] = [];
    const call = (index: number) => async (): Promise<void> => {
      begun.push(index);
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
    };
    await Promise.all(Array.from({ length: 100 }, (_, index) => limiter.run(call(index))));
    expect(most).toBe(3);
    expect(begun).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  test('waits that poll through the same limit get the same number of polls', async () => {
    const limiter = new Limiter(2);
    const polls = Array.from({ length: 50 }, () => 0);
    let left = 5_000;
    const wait = async (index: number): Promise<void> => {
      while (left > 0) {
        await limiter.run(async () => {
          left--;
          polls[index] = (polls[index] ?? 0) + 1;
          // Calls differ in length, as they do with a slow cloud.
          for (let turn = 0; turn <= index % 5; turn++) await Promise.resolve();
        });
      }
    };
    await Promise.all(polls.map((_, index) => wait(index)));
    expect(Math.max(...polls) - Math.min(...polls)).toBeLessThanOrEqual(2);
  });

  test('calls never begin faster than the rate, from the first call on', async () => {
    const client = connect({
      endpoint: cloud.address,
      plaintext: true,
      credentials: iamToken(addToken()),
      maxRequestsPerSecond: 50,
    });
    const began = performance.now();
    await Promise.all(Array.from({ length: 26 }, () => client.get('done')));
    expect(performance.now() - began).toBeGreaterThanOrEqual(25 * 20 - 5);
  });

  test('a call that is abandoned before its turn is never sent', async () => {
    const limiter = new Limiter(1);
    let end = (): void => undefined;
    const first = limiter.run(() => new Promise<void>((resolve) => (end = resolve)));
    const abandoned = new AbortController();
    let isMade = false;
    const second = limiter.run(() => Promise.resolve((isMade = true)), { signal: abandoned.signal });
    const third = limiter.run(() => Promise.resolve('third'));
    abandoned.abort();
    await expect(second).rejects.toThrow('abandoned before its turn');
    end();
    await first;
    expect([await third, isMade]).toEqual(['third', false]);
  });
});

function addToken(): string {
  const token = newToken();
  cloud.tokens.add(token);
  return token;
}
