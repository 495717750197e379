import {
  nebius,
  nebiusServiceAccountKey,
  OperationsClient,
  serviceAccountKey,
  yandexCloud,
  type CloudOptions,
  type NebiusKey,
} from 'temporal-lro';
import { AUDIENCE, authorizedKey } from './support/guarded-cloud';
import { startInteropServer, type InteropServer } from './support/interop';

const DELETE = '/yandex.cloud.k8s.v1.ClusterService/Delete';
const key = authorizedKey();
const request = { clusterId: 'catgaj3vf3g9oub2mnq4-100ms' };

let server: InteropServer;
beforeAll(async () => {
  const { n = '', e = '' } = key.publicKey.export({ format: 'jwk' });
  const { id, service_account_id } = key.file;
  server = await startInteropServer('yandex', { id, service_account_id, audience: AUDIENCE, n, e });
});
afterAll(() => server.close());

function connect(file: object): OperationsClient {
  const credentials = serviceAccountKey(file);
  const options = { discovery: server.address, plaintext: true, descriptors: [server.descriptorSet], credentials };
  return OperationsClient.connect(yandexCloud(options));
}

test("Yandex's own code verifies our JWT with its public key, and accepts our calls with the token that it issues", async () => {
  const client = connect(key.file);
  const { id } = await client.start(DELETE, request);
  expect(await client.wait(id, { poll: { initialInterval: '100 ms' } })).toEqual({
    '@type': 'type.googleapis.com/google.protobuf.Empty',
  });
  client.close();
  const calls = server.requests().map((call) => JSON.stringify(call));
  expect(calls).toEqual([
    expect.stringContaining('/yandex.cloud.iam.v1.IamTokenService/Create'),
    expect.stringContaining('"authorization"'),
  ]);
  expect(calls[0]).not.toContain('authorization');
});

test("Yandex's own code refuses a JWT of another key, a JWT of another key ID, and a call without a token", async () => {
  for (const [file, problem] of [
    [{ ...authorizedKey().file }, /The JWT is refused: the signature is wrong/],
    [{ ...key.file, id: 'ajeother' }, /The JWT is refused: header/],
    [{ ...key.file, service_account_id: 'ajeother' }, /The JWT is refused: iss ajeother/],
  ] as const) {
    const client = connect(file);
    await expect(client.get('disk-1')).rejects.toThrow(problem);
    client.close();
  }
  const anonymous = OperationsClient.connect({ endpoint: server.address, plaintext: true });
  await expect(anonymous.get('disk-1')).rejects.toThrow(/UNAUTHENTICATED: The token is invalid/);
  anonymous.close();
});

describe("Nebius' own code", () => {
  const account: NebiusKey = {
    serviceAccountId: 'serviceaccount-e00x',
    publicKeyId: 'publickey-e00x',
    privateKey: key.file.private_key,
  };
  let server: InteropServer;
  beforeAll(async () => {
    const { n = '', e = '' } = key.publicKey.export({ format: 'jwk' });
    const audience = 'token-service.iam.new.nebiuscloud.net';
    server = await startInteropServer('nebius', {
      id: account.publicKeyId,
      service_account_id: account.serviceAccountId,
      audience,
      n,
      e,
    });
  });
  afterAll(() => server.close());

  const credentials = (given: NebiusKey) =>
    nebiusServiceAccountKey(given, { iamEndpoint: server.address, plaintext: true });
  const tokenOf = (given: NebiusKey) => credentials(given).getToken(AbortSignal.timeout(30_000));

  test('verifies our JWT with its public key, and accepts calls with the token that it issues', async () => {
    const began = Date.now();
    const { token, expiresAt } = await tokenOf(account);
    expect(Math.abs((expiresAt?.getTime() ?? 0) - began - 43_200_000)).toBeLessThan(60_000);
    expect(token).toMatch(/^ne1/);
    const poll = (options: CloudOptions): Promise<unknown> => {
      const client = OperationsClient.connect(nebius({ endpoint: server.address, plaintext: true, ...options }));
      return client.get('ok-1').finally(() => client.close());
    };
    expect(await poll({ credentials: credentials(account) })).toMatchObject({ id: 'ok-1' });
    await expect(poll({})).rejects.toThrow(/UNAUTHENTICATED: The token is invalid/);
    expect(JSON.stringify(server.requests()[0])).not.toContain('authorization');
  });

  test.each<[string, NebiusKey, RegExp]>([
    ['of another key', { ...account, privateKey: authorizedKey().file.private_key }, /the signature is wrong/],
    ['of another key ID', { ...account, publicKeyId: 'publickey-e00other' }, /header /],
    ['of another account', { ...account, serviceAccountId: 'serviceaccount-e00other' }, /claims /],
  ])('refuses a JWT %s', async (_, given, problem) => {
    await expect(tokenOf(given)).rejects.toThrow(problem);
  });
});
