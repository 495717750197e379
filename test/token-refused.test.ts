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

test('one host that refuses every token costs ever fewer exchanges, though the others accept them', async () => {
  for (let call = 0; call < 60; call++) {
    await expect(client.get('refused')).rejects.toMatchObject({ codeName: 'UNAUTHENTICATED' });
    expect(await client.get('done')).toMatchObject({ state: 'succeeded' });
  }
  // At once, and after 1 s, 2 s, 4 s …, each ± 50 %.
  expect(exchanges).toBeLessThan(10);
});

test('a token that one host refuses while its source is away serves for the others, and the refused call says who is away', async () => {
  await client.get('done');
  isAway = true;
  for (let call = 0; call < 3; call++) {
    // By UNAUTHENTICATED a young wait would end, for a token that could not be replaced.
    const refused = { codeName: 'UNAVAILABLE', rawMessage: 'no token: vault is sealed' };
    await expect(client.get('refused')).rejects.toMatchObject(refused);
    expect(await client.get('done')).toMatchObject({ state: 'succeeded' });
  }
});
