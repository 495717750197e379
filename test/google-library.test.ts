import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { Order, Outcome, Report } from './google/child';
import { authorizedKey, GuardedCloud, newGoogleToken } from './support/guarded-cloud';
import { MARK } from './support/left-behind';
import { listen } from './support/listen';

const { file: keyOf, publicKey } = authorizedKey();
const privateKey = keyOf.private_key;
const refreshToken = `1//0g${newGoogleToken().slice(5)}`;
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const CLIENT_SECRET = `GOCSPX-${MARK}-of-the-client`;

/** Google's token server and metadata service. */
let answer: (response: ServerResponse, body: string) => void;
let server: Server;
let origin: string;
const requests: { path: string; body: string }[] = [];
let directory: string;
let child: ChildProcess;

beforeAll(() => (child = fork(require.resolve('./google/child'), { serialization: 'advanced' })));
afterAll(() => child.connected && child.disconnect());
beforeEach(async () => {
  requests.splice(0);
  server = createServer((request: IncomingMessage, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      requests.push({ path: request.url ?? '', body });
      answer(response, body);
    });
  });
  origin = await listen(server);
  directory = mkdtempSync(join(tmpdir(), 'temporal-lro-'));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
});

async function run(order: Omit<Order, 'origin'>): Promise<Report> {
  const env = {
    // No login of whoever runs the tests, and no search for the real metadata service.
    HOME: directory,
    METADATA_SERVER_DETECTION: 'none',
    GOOGLE_APPLICATION_CREDENTIALS: undefined,
    GCE_METADATA_HOST: undefined,
    ...order.env,
  };
  child.send({ ...order, origin, privateKey, refreshToken, clientSecret: CLIENT_SECRET, env });
  const reports: unknown[] = await once(child, 'message');
  const [report] = reports;
  if (!isReport(report)) throw new Error('no report');
  return report;
}

function isReport(value: unknown): value is Report {
  return typeof value === 'object' && value !== null && 'outcomes' in value && 'shown' in value;
}

async function failure(order: Omit<Order, 'origin'>): Promise<Outcome & { message: string }> {
  const { outcomes, shown } = await run(order);
  const [outcome] = outcomes;
  if (!outcome || !('message' in outcome)) throw new Error(`no failure: ${JSON.stringify(outcomes)} ${shown}`);
  return outcome;
}

/** Answers with a new token each time; returns those that were given. */
function giveTokens(then: (given: string[]) => void = () => undefined): string[] {
  const given: string[] = [];
  answer = (response) => {
    given.push(newGoogleToken());
    then(given);
    json(response, 200, { access_token: given.at(-1), expires_in: 3600, token_type: 'Bearer' });
  };
  return given;
}

const json = (response: ServerResponse, status: number, body: object): unknown =>
  response
    .writeHead(status, { 'content-type': 'application/json', 'metadata-flavor': 'Google' })
    .end(JSON.stringify(body));

const form = (): URLSearchParams => new URLSearchParams(requests.at(-1)?.body);

/** The file of a workload outside Google, which names the token server. */
function externalAccount(): Record<string, string> {
  const [subject, file] = [join(directory, 'subject'), join(directory, 'adc.json')];
  writeFileSync(subject, 'subject-token');
  const credentials = {
    type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `http://${origin}/v1/token`,
    credential_source: { file: subject },
  };
  writeFileSync(file, JSON.stringify(credentials));
  return { GOOGLE_APPLICATION_CREDENTIALS: file };
}

/** The file that "gcloud auth application-default login" writes. */
function login(): Record<string, string> {
  const file = join(directory, 'adc.json');
  const secrets = { client_id: 'client', client_secret: CLIENT_SECRET, refresh_token: refreshToken };
  writeFileSync(file, JSON.stringify({ type: 'authorized_user', ...secrets }));
  return { GOOGLE_APPLICATION_CREDENTIALS: file };
}

test('a key file: the JWT that the key signs is exchanged, and the token and its end are returned', async () => {
  const keyFile = join(directory, 'key.json');
  const client_email = 'operations@my-project.iam.gserviceaccount.com';
  writeFileSync(keyFile, JSON.stringify({ type: 'service_account', client_email, private_key: privateKey }));
  const [given, began] = [giveTokens(), Date.now()];
  const { outcomes } = await run({ client: 'key file', keyFile });
  const [outcome] = outcomes;
  if (!outcome || !('expiresAt' in outcome)) throw new Error(`no token: ${JSON.stringify(outcomes)}`);
  expect(outcome.token).toBe(given[0]);
  expect(Math.abs(Date.parse(outcome.expiresAt ?? '') - began - 3_600_000)).toBeLessThan(60_000);
  const assertion = form().get('assertion') ?? '';
  expect(decodeJwt(assertion)).toMatchObject({ iss: client_email, scope: SCOPE });
  expect(decodeProtectedHeader(assertion).alg).toBe('RS256');
});

test('the login of a user: its refresh token is exchanged, and nothing of it or of the token is shown', async () => {
  const given = giveTokens();
  const { outcomes, shown } = await run({ client: 'login' });
  expect(outcomes).toMatchObject([{ token: given[0] }]);
  expect(form().get('refresh_token')).toBe(refreshToken);
  expect(shown).not.toContain(MARK);
});

test.each(['key', 'login'] as const)(
  'the library keeps the token of a %s until it expires; asked again, it has to fetch another',
  async (client) => {
    const given = giveTokens();
    const { outcomes } = await run({ client, times: 2 });
    expect(given).toHaveLength(2);
    expect(outcomes).toMatchObject(given.map((token) => ({ token })));
  },
);

test('a call whose token is refused is made once more, with a token that the library has not kept', async () => {
  const cloud = await GuardedCloud.start(publicKey);
  // The first token has been revoked.
  const given = giveTokens(([, second]) => second !== undefined && cloud.tokens.add(second));
  expect(await run({ client: 'key', cloud: cloud.address })).toMatchObject({ outcomes: [{ state: 'succeeded' }] });
  expect(cloud.callsOf('Get').map(({ authorization }) => authorization)).toEqual(
    given.map((token) => `Bearer ${token}`),
  );
  expect(given).toHaveLength(2);
  await cloud.close();
});

describe('Application Default Credentials', () => {
  test('of the instance come from its metadata service', async () => {
    const env = { METADATA_SERVER_DETECTION: 'assume-present', GCE_METADATA_HOST: origin };
    const given = giveTokens();
    const [outcome] = (await run({ client: 'default', env })).outcomes;
    expect(outcome).toMatchObject({ token: given.at(-1), expiresAt: expect.any(String) as unknown });
    expect(requests.at(-1)?.path).toMatch(/^\/computeMetadata\/v1\/instance\/service-accounts\/default\/token/);
  });

  test('of the file that GOOGLE_APPLICATION_CREDENTIALS names are used with the scope of the cloud', async () => {
    const given = giveTokens();
    expect(await run({ client: 'default', env: externalAccount() })).toMatchObject({ outcomes: [{ token: given[0] }] });
    expect(form().get('scope')).toBe(SCOPE);
  });

  test('that are not there are an error that says how to get them, and are used once they are there', async () => {
    const { message, ...outcome } = await failure({ client: 'default' });
    expect(outcome).toMatchObject({ isFinal: true });
    expect(message).toMatch(
      /^google-auth-library: Could not load the default credentials.*: run "gcloud auth application-default login", or set GOOGLE_APPLICATION_CREDENTIALS to the path of a key$/s,
    );
    const given = giveTokens();
    const again = await run({ client: 'default', again: true, env: externalAccount() });
    expect(again).toMatchObject({ outcomes: [{ token: given[0] }] });
  });

  test.each([
    ['is not there', undefined],
    ['is no JSON', 'nonsense'],
    ['is of no known type', '{"type":"nothing"}'],
  ])('whose file %s are an error that names the variable', async (_, text) => {
    const file = join(directory, 'adc.json');
    if (text !== undefined) writeFileSync(file, text);
    const outcome = await failure({ client: 'default', env: { GOOGLE_APPLICATION_CREDENTIALS: file } });
    expect(outcome).toMatchObject({ isFinal: true });
    expect(outcome.message).toMatch(/GOOGLE_APPLICATION_CREDENTIALS.*: run "gcloud/s);
  });

  test.each<[string, (response: ServerResponse) => unknown, RegExp]>([
    ['redirects', (to) => to.writeHead(307, { location: `http://${origin}/elsewhere` }).end(), /redirect/],
    ['returns 5 MB', (to) => json(to, 200, { access_token: 'x'.repeat(5e6) }), /content size .* over limit/],
  ])('a token server that %s gives no token, and nothing is followed or read to its end', async (_, reply, message) => {
    answer = reply;
    const outcome = await failure({ client: 'default', env: login() });
    expect(outcome).toMatchObject({ isFinal: false });
    expect(outcome.message).toMatch(message);
    expect(requests.map(({ path }) => path)).not.toContain('/elsewhere');
  });

  test.each<[string, (response: ServerResponse) => unknown]>([
    ['returns 5 MB', (to) => json(to, 200, { access_token: 'x'.repeat(5e6) })],
    ['is broken', (to) => json(to, 500, {})],
    ['returns no JSON', (to) => to.writeHead(200, { 'metadata-flavor': 'Google' }).end('<html>')],
    ['redirects in a circle', (to) => to.writeHead(302, { location: `http://${origin}/again` }).end()],
    ['hangs', () => undefined],
  ])('a metadata service that %s gives no token, within the limit', async (_, reply) => {
    answer = reply;
    const env = { METADATA_SERVER_DETECTION: 'assume-present', GCE_METADATA_HOST: origin };
    const cloud = await GuardedCloud.start(publicKey);
    const outcome = await failure({ client: 'default', env, cloud: cloud.address });
    expect(outcome.message).toMatch(/no token: /);
    expect(outcome.message.length).toBeLessThan(2_000);
    expect(cloud.calls).toEqual([]);
    await cloud.close();
  });
});

test.each<[string, number, string, boolean]>([
  ['refuses the key', 400, '{"error":"invalid_grant","error_description":"Invalid JWT Signature."}', true],
  ['does not know the account', 401, '{"error":"invalid_client"}', true],
  ['forbids it', 403, '{"error":"access_denied"}', true],
  ['is overloaded', 429, '{"error":"rate_limit"}', false],
  ['is broken', 500, 'oops', false],
  ['returns no JSON', 200, '<html>hello</html>', false],
  ['returns no token', 200, '{}', false],
])('a token server that %s gives the right kind of error', async (_, status, text, isFinal) => {
  answer = (response) => void response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  const outcome = await failure({ client: 'login' });
  expect(outcome).toMatchObject({ isFinal });
  if (isFinal) expect(outcome.message).toMatch(/\(HTTP 40\d\): check the credentials: .*clock is right$/);
});

test('a token server that refuses connections gives an error that may pass', async () => {
  server.close();
  const outcome = await failure({ client: 'key' });
  expect(outcome).toMatchObject({ isFinal: false });
  expect(outcome.message).toMatch(/ECONNREFUSED/);
});

test.each<['key' | 'login']>([['key'], ['login']])(
  'a token server that echoes the secrets of a %s puts none into an error',
  async (client) => {
    answer = (response, body) => {
      const error_description = `${decodeURIComponent(body)} ${'x'.repeat(30_000)}`;
      json(response, 400, { error: 'invalid_grant', error_description });
    };
    const outcome = await failure({ client });
    const secret = form().get(client === 'key' ? 'assertion' : 'refresh_token') ?? '';
    expect(secret.length).toBeGreaterThan(100);
    for (const hidden of [secret.slice(0, 30), secret.slice(-30), MARK])
      expect(JSON.stringify(outcome)).not.toContain(hidden);
    expect(outcome.message.length).toBeLessThan(1_500);
  },
);

test('a call that hangs ends with the signal, and later ones join it', async () => {
  answer = () => undefined;
  const { outcomes } = await run({ client: 'key', times: 3, timeoutMs: 200 });
  expect(outcomes).toMatchObject([1, 2, 3].map(() => ({ message: expect.stringMatching(/timeout/) as unknown })));
  expect(requests).toHaveLength(1);
});
