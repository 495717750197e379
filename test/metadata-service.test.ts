import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { metadataService, nebius, OperationsClient, OperationServiceError, type Credentials } from 'temporal-lro';
import { method } from '../src/apis/envelope';
import { UnaryServer } from '../src/testing/server';
import { MetadataCredentials, NEBIUS_INSTANCE } from '../src/credentials/metadata-service';
import { authorizedKey, GuardedCloud, newNebiusToken, newToken } from './support/guarded-cloud';
import { listen } from './support/listen';

let cloud: GuardedCloud;
const clients: OperationsClient[] = [];
beforeAll(async () => (cloud = await GuardedCloud.start(authorizedKey().publicKey)));
afterEach(() => clients.splice(0).forEach((client) => client.close()));
afterAll(() => cloud.close());

function connect(credentials: Credentials): OperationsClient {
  const client = OperationsClient.connect({ endpoint: cloud.address, plaintext: true, credentials });
  clients.push(client);
  return client;
}

const refused = async (client: OperationsClient): Promise<OperationServiceError> => {
  const err: unknown = await client.get('done').catch((reason: unknown) => reason);
  if (!(err instanceof OperationServiceError)) throw new Error(`No OperationServiceError: ${inspect(err)}`);
  return err;
};

describe('the metadata service', () => {
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  let address = '';
  beforeAll(async () => (address = await listen(server)));
  beforeEach(() => {
    requests.splice(0);
    delete process.env.YC_METADATA_ADDR;
  });
  afterAll(() => {
    server.close();
    // After an abort, fetch connects once more and keeps that connection for some seconds.
    server.closeAllConnections();
  });

  const reply =
    (status: number, text: string, headers = {}) =>
    (_: IncomingMessage, response: ServerResponse): void =>
      void response.writeHead(status, headers).end(text);

  test('returns the token of the account that is bound to the instance', async () => {
    const token = newToken();
    cloud.tokens.add(token);
    answer = reply(200, JSON.stringify({ access_token: token, expires_in: 43_200, token_type: 'Bearer' }));
    const client = connect(metadataService({ address }));
    expect(await client.get('done')).toMatchObject({ state: 'succeeded' });
    expect(requests).toHaveLength(1);
    expect(requests[0]?.url).toBe('/computeMetadata/v1/instance/service-accounts/default/token');
    expect(requests[0]?.headers['metadata-flavor']).toBe('Google');
  });

  test("is called at the address in the environment variable that the cloud's tools read", async () => {
    answer = reply(200, JSON.stringify({ access_token: newToken(), expires_in: 60 }));
    process.env.YC_METADATA_ADDR = address;
    const beganAt = Date.now();
    const { expiresAt } = await metadataService().getToken(new AbortController().signal);
    const issuedAt = (expiresAt?.getTime() ?? 0) - 60_000;
    expect(issuedAt).toBeGreaterThanOrEqual(beganAt);
    expect(issuedAt).toBeLessThanOrEqual(Date.now());
  });

  test('of Nebius gives the time at which its token expires', async () => {
    const token = newNebiusToken();
    answer = reply(200, JSON.stringify({ access_token: token, expires_at: '2100-01-02T03:04:05.678901234Z' }));
    const credentials = new MetadataCredentials(address).of(NEBIUS_INSTANCE);
    const expiresAt = new Date('2100-01-02T03:04:05.678Z');
    expect(await credentials.getToken(new AbortController().signal)).toEqual({ token, expiresAt });
  });

  test('of Nebius is asked by a cloud of Nebius, as its tools ask it', async () => {
    const token = newNebiusToken();
    answer = reply(200, JSON.stringify({ access_token: token, expires_at: '2100-01-02T03:04:05Z' }));
    const { path, responseSerialize } = method('Get', 'nebius.common.v1.OperationService');
    const server = new UnaryServer();
    const endpoint = await server.listen(0);
    const authorizations: unknown[] = [];
    server.answer(path, (call) => {
      authorizations.push(call.header('authorization'));
      return Promise.resolve({ body: responseSerialize({ id: 'vpcoperation-e00x' }) });
    });
    const credentials = metadataService({ address });
    const client = OperationsClient.connect(nebius({ endpoint, plaintext: true, credentials }));
    expect(await client.get('vpcoperation-e00x')).toMatchObject({ state: 'running' });
    client.close();
    await server.close();
    expect(authorizations).toEqual([`Bearer ${token}`]);
    expect(requests[0]?.url).toBe('/v1/iam/sa/token');
    expect(requests[0]?.headers).toMatchObject({ metadata: 'true' });
    expect(requests[0]?.headers).not.toHaveProperty('metadata-flavor');
  });

  test('of Nebius has an address of its own, whatever the tools of Yandex Cloud use', async () => {
    process.env.YC_METADATA_ADDR = address;
    const credentials = new MetadataCredentials(undefined).of(NEBIUS_INSTANCE);
    await expect(credentials.getToken(AbortSignal.timeout(300))).rejects.toThrow(
      /^the metadata service at metadata\.nebius\.internal cannot be reached: /,
    );
    expect(requests).toEqual([]);
  });

  test.each([
    ['no time to live', {}],
    ['a time that has no meaning', { expires_in: 'soon' }],
    ['an end that is no time', { expires_at: 'tomorrow' }],
    ['no time left', { expires_in: 0 }],
    ['more time than a Date can hold', { expires_in: 1e300 }],
  ])('that gives a token with %s gives one whose end is unknown', async (_, fields) => {
    answer = reply(200, JSON.stringify({ access_token: 'a-token', ...fields }));
    expect(await metadataService({ address }).getToken(new AbortController().signal)).toEqual({ token: 'a-token' });
  });

  test.each([
    [
      '404, as without an account',
      reply(404, ''),
      /bind a service account to this instance, or configure other credentials/,
      'UNAUTHENTICATED',
    ],
    ['500', reply(500, 'oops'), /answered 500/, 'UNAVAILABLE'],
    ['a redirect', reply(302, '', { location: 'http://127.0.0.1:1/' }), /answered 302/, 'UNAVAILABLE'],
    ['a page', reply(200, '<html>'), /is not a metadata service: its reply has no access_token/, 'UNAUTHENTICATED'],
    ['JSON of something else', reply(200, '{"a":1}'), /has no access_token/, 'UNAUTHENTICATED'],
    ['a reply without end', reply(200, 'x'.repeat(100_000)), /no token: .*(too long|aborted)/, 'UNAVAILABLE'],
  ])('that answers by %s gives no token, and the call says why', async (_, given, message, codeName) => {
    answer = given;
    const err = await refused(connect(metadataService({ address })));
    expect(err).toMatchObject({ codeName, message: expect.stringMatching(message) as unknown });
    expect(requests).toHaveLength(1);
  });

  test('that is silent, or sends a byte now and then, is given up at its deadline, although nobody aborts the call', async () => {
    const trickles: NodeJS.Timeout[] = [];
    const trickle = (_: IncomingMessage, response: ServerResponse): void => {
      response.writeHead(200);
      trickles.push(setInterval(() => response.write('x'), 20));
    };
    const never = new AbortController().signal;
    const beganAt = performance.now();
    const messages = [];
    for (const given of [(): void => undefined, trickle]) {
      const arrived = new Promise<void>((resolve) => {
        answer = (request, response) => {
          given(request, response);
          resolve();
        };
      });
      messages.push(metadataService({ address }).getToken(never).catch(String));
      await arrived;
    }
    expect(await Promise.all(messages)).toEqual(
      Array(2).fill(`Error: the metadata service at ${address} cannot be reached: no whole reply within 5 s`),
    );
    expect(performance.now() - beganAt).toBeGreaterThan(4_900);
    trickles.forEach(clearInterval);
  });

  test.each([200, 302])('whose reply with status %d never ends is left, and its connection closed', async (status) => {
    let parts: NodeJS.Timeout | undefined;
    const closed = new Promise<void>((resolve) => {
      answer = (_, response) => {
        response.writeHead(status, { location: `http://${address}/elsewhere` });
        parts = setInterval(() => response.write('x'.repeat(10_000)), 5);
        response.on('close', resolve);
      };
    });
    const token = metadataService({ address }).getToken(new AbortController().signal);
    await expect(token).rejects.toThrow('its reply is too long');
    await closed;
    clearInterval(parts);
    expect(requests).toHaveLength(1);
  });

  test('that nobody listens for gives no token, and the error says why', async () => {
    const getToken = (at: string): Promise<unknown> =>
      metadataService({ address: at }).getToken(new AbortController().signal);
    const closed = createServer();
    const at = await listen(closed);
    await new Promise((resolve) => closed.close(resolve));
    await expect(getToken(at)).rejects.toThrow(`the metadata service at ${at} cannot be reached: connect ECONNREFUSED`);
    const localhost = at.replace('127.0.0.1', 'localhost');
    await expect(getToken(localhost)).rejects.toThrow(/ cannot be reached: (connect )?ECONNREFUSED/);
  });

  test.each(['http://169.254.169.254', 'a b', 'user@host', 'host:port', 'host:65536', '[1:2]'])(
    'is not asked at %s',
    (given) => {
      expect(() => metadataService({ address: given })).toThrow(/address is ".*": give "host" or "host:port"/);
    },
  );
});
