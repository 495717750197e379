import { statusCode } from '../src/model/snapshot';
import { iamToken, OperationsClient } from 'temporal-lro';
import { CallFailure } from '../src/testing/server';
import { authorizedKey, GuardedCloud, newToken } from './support/guarded-cloud';

const { publicKey } = authorizedKey();
let cloud: GuardedCloud;
let client: OperationsClient;
let exchanges: number;
let isAway: boolean;

/** A cloud where one operation is behind a host that refuses every token. */
beforeEach(async () => {
  [exchanges, isAway] = [0, false];
  cloud = await GuardedCloud.start(publicKey);
  const operation = cloud.operation;
  cloud.operation = (id, authorization) => {
    if (id === 'refused') throw new CallFailure(statusCode('UNAUTHENTICATED'), 'The token is not for this host');
    return operation(id, authorization);
  };
  const credentials = iamToken(() => {
    exchanges++;
    if (isAway) throw new Error('vault is sealed');
    const token = newToken();
    cloud.tokens.add(token);
    return token;
  });
  client = OperationsClient.connect({ endpoint: cloud.address, plaintext: true, credentials });
});
afterEach(async () => {
  client.close();
  await cloud.close();
});

test('a host that refuses every token causes fewer and fewer exchanges, although other hosts accept the tokens', async () => {
  for (let call = 0; call < 60; call++) {
    await expect(client.get('refused')).rejects.toMatchObject({ codeName: 'UNAUTHENTICATED' });
    expect(await client.get('done')).toMatchObject({ state: 'succeeded' });
  }
  // At once, and after 1 s, 2 s, 4 s …, each ± 50 %.
  expect(exchanges).toBeLessThan(10);
});

test('while the token provider is down, a token that one host refuses is still used for others, and the refused call says what is down', async () => {
  await client.get('done');
  isAway = true;
  for (let call = 0; call < 3; call++) {
    // UNAUTHENTICATED would end a young wait, although its token could not be replaced.
    const refused = { codeName: 'UNAVAILABLE', rawMessage: 'no token: vault is sealed' };
    await expect(client.get('refused')).rejects.toMatchObject(refused);
    expect(await client.get('done')).toMatchObject({ state: 'succeeded' });
  }
});
