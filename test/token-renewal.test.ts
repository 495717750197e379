import { checkToken } from '../src/credentials/credentials';
import { TokenCache } from '../src/credentials/token-cache';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const T0 = Date.parse('2026-03-01T12:00:00Z');

/** Uniform in [0, 1), the same in every run. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
}

/** A token service whose clock the test moves. The value of a token begins with its expiry. */
class TokenService {
  now = T0;
  /** How far this machine's clock is ahead. */
  aheadMs = 0;
  lifeMs = HOUR;
  asked = 0;
  given = 0;
  /** Whether the next exchange fails. */
  fails = (): boolean => false;
  readonly tokens: TokenCache<string>;

  constructor(fetchTimeoutMs?: number, random = seededRandom(1)) {
    const clock = { now: () => this.now + this.aheadMs, monotonic: () => this.now, random };
    this.tokens = new TokenCache((signal) => this.exchange(signal), {
      ...clock,
      ...(fetchTimeoutMs === undefined ? {} : { fetchTimeoutMs }),
    });
  }

  exchange(_: AbortSignal): Promise<{ value: string; expiresAt?: Date }> {
    this.asked++;
    if (this.fails()) return Promise.reject(new Error('token service is away'));
    const expiresAt = new Date(this.now + this.lifeMs);
    return Promise.resolve({ value: `${expiresAt.getTime()} ${++this.given}`, expiresAt });
  }
}

test('20,000 calls over 50 token lives need 50 exchanges, although a third of them fail, and no call gets an expired token', async () => {
  const service = new TokenService();
  const random = seededRandom(20261125);
  service.fails = () => random() < 1 / 3;
  // Before the first token, calls fail and their waits poll again.
  while (service.given === 0) {
    await service.tokens.get().catch(() => undefined);
    service.now += 2 * SECOND;
  }
  const used = new Set<string>();
  let calls = 0;
  let ended = 0;
  let failed = 0;
  // A token is used until it is renewed: 54 minutes plus the time of failed exchanges.
  const stepMs = (50 * 54 * MINUTE) / (20_000 / 4);
  while (calls < 20_000) {
    const results = await Promise.allSettled([1, 2, 3, 4].map(() => service.tokens.get()));
    for (const result of results) {
      calls++;
      if (result.status === 'rejected') failed++;
      else {
        used.add(result.value.value);
        if (Number(result.value.value.split(' ')[0]) <= service.now) ended++;
      }
    }
    service.now += stepMs;
  }
  const exchangesALife = service.given / 50;
  process.stdout.write(`${calls} calls, ${service.asked} exchanges tried, ${exchangesALife} a life\n`);
  expect({ calls, ended, failed }).toEqual({ calls: 20_000, ended: 0, failed: 0 });
  expect(exchangesALife).toBeLessThanOrEqual(1.05);
  expect(service.asked).toBeLessThan(50 * 2);
  // Every token that was obtained was used.
  expect(used.size).toBe(service.given);
});

test('a token is renewed in the background after an hour, or after 90 % of a shorter life', async () => {
  for (const [lifeMs, renewAtMs] of [
    [12 * HOUR, HOUR],
    [10 * MINUTE, 9 * MINUTE],
  ] as const) {
    const service = new TokenService();
    service.lifeMs = lifeMs;
    const first = await service.tokens.get();
    service.now += renewAtMs - 1;
    expect(await service.tokens.get()).toBe(first);
    expect(service.asked).toBe(1);
    service.now += 1;
    // The call that finds the renewal due still gets the old token.
    expect(await service.tokens.get()).toBe(first);
    expect(service.asked).toBe(2);
    await new Promise(setImmediate);
    expect(await service.tokens.get()).not.toBe(first);
  }
});

test('during an outage of the token service a token is used until it expires, and exchanges are retried with backoff', async () => {
  const service = new TokenService();
  const first = await service.tokens.get();
  service.fails = () => true;
  service.now = T0 + 54 * MINUTE;
  while (service.now < T0 + HOUR) {
    expect(await service.tokens.get()).toBe(first);
    service.now += 100;
  }
  // Retries after 1 s, 2 s, 4 s, 8 s, 10 s …, each ± 50 %.
  expect(service.asked).toBeGreaterThan(20);
  expect(service.asked).toBeLessThan(75);
  await expect(service.tokens.get()).rejects.toThrow('token service is away');
  service.fails = () => false;
  // After an outage polls succeed again within half a minute, including the time of the exchange.
  service.now += 15 * SECOND;
  expect(await service.tokens.get()).not.toBe(first);
});

test('concurrent calls wait for the same exchange', async () => {
  const service = new TokenService();
  const tokens = await Promise.all(Array.from({ length: 100 }, () => service.tokens.get()));
  expect(new Set(tokens).size).toBe(1);
  expect(service.asked).toBe(1);
});

test('a refused token is replaced once for all calls that were refused with it', async () => {
  const service = new TokenService();
  const first = await service.tokens.get();
  const next = await Promise.all(
    Array.from({ length: 100 }, () => {
      service.tokens.refused(first);
      return service.tokens.get();
    }),
  );
  expect(new Set(next).size).toBe(1);
  expect(next[0]).not.toBe(first);
  expect(service.asked).toBe(2);
});

test('when new tokens are refused as well, they are replaced less and less often', async () => {
  const service = new TokenService();
  for (; service.now < T0 + 10 * MINUTE; service.now += 100) service.tokens.refused(await service.tokens.get());
  // At 1 s, 2 s, 4 s … 1 min, each ± 50 %.
  expect(service.asked).toBeGreaterThan(8);
  expect(service.asked).toBeLessThan(25);
});

test('a token that was accepted and then refused is replaced at once', async () => {
  const service = new TokenService();
  for (let revocation = 1; revocation <= 5; revocation++) {
    const token = await service.tokens.get();
    service.tokens.accepted(token);
    service.tokens.refused(token);
    expect(await service.tokens.get()).not.toBe(token);
    expect(service.asked).toBe(revocation + 1);
  }
});

test('a token that is refused during an outage of the token service is used until it expires, by calls that were not refused', async () => {
  const service = new TokenService();
  const token = await service.tokens.get();
  service.fails = () => true;
  for (; service.now < T0 + HOUR; service.now += 100) {
    service.tokens.refused(token);
    expect(await service.tokens.get()).toBe(token);
    await expect(service.tokens.get(undefined, token)).rejects.toThrow('token service is away');
  }
  expect(service.asked).toBeLessThan(HOUR / (5 * SECOND));
  await expect(service.tokens.get()).rejects.toThrow('token service is away');
  service.fails = () => false;
  service.now += 15 * SECOND;
  expect(await service.tokens.get(undefined, token)).not.toBe(token);
});

test('a token that was refused throughout an outage does not delay the replacement of the next one', async () => {
  const service = new TokenService();
  const token = await service.tokens.get();
  service.fails = () => service.now < T0 + 10 * MINUTE;
  for (; (await service.tokens.get()) === token; service.now += 100) service.tokens.refused(token);
  const next = await service.tokens.get();
  service.tokens.refused(next);
  expect(await service.tokens.get()).not.toBe(next);
});

test('a token that expires while its replacement fails is not returned', async () => {
  const service = new TokenService();
  service.tokens.refused(await service.tokens.get());
  service.fails = () => {
    service.now += HOUR;
    return true;
  };
  await expect(service.tokens.get()).rejects.toThrow('token service is away');
});

test('a clock that is set back delays no exchange, neither after a failed one nor after a refusal', async () => {
  const service = new TokenService();
  service.aheadMs = HOUR;
  service.lifeMs = 12 * HOUR;
  service.fails = () => true;
  await expect(service.tokens.get()).rejects.toThrow('token service is away');
  service.fails = () => false;
  service.aheadMs = 0;
  service.now += 2 * SECOND;
  service.tokens.refused(await service.tokens.get());
  const second = await service.tokens.get();
  service.aheadMs = -HOUR;
  service.now += 2 * SECOND;
  service.tokens.refused(second);
  expect(await service.tokens.get()).not.toBe(second);
});

test('a clock that is set back delays no renewal, and the token still expires by that clock', async () => {
  const service = new TokenService();
  service.aheadMs = HOUR;
  service.lifeMs = 12 * HOUR;
  const first = await service.tokens.get();
  service.aheadMs = 0;
  service.now += HOUR;
  await service.tokens.get();
  await new Promise(setImmediate);
  expect(await service.tokens.get()).not.toBe(first);
  service.aheadMs = 12 * HOUR;
  expect((await service.tokens.get()).value).toMatch(/ 3$/);
});

test('an exchange without an answer is given up, and repeated later', async () => {
  const service = new TokenService(50);
  const exchange = service.exchange.bind(service);
  let aborted = false;
  service.exchange = (signal) => {
    signal.addEventListener('abort', () => (aborted = true));
    return new Promise(() => undefined);
  };
  await expect(service.tokens.get()).rejects.toThrow('no answer within 0.05 s');
  expect(aborted).toBe(true);
  service.exchange = exchange;
  service.now += 2 * SECOND;
  expect((await service.tokens.get()).value).toMatch(/ 1$/);
});

test('an aborted call stops waiting, and the exchange continues for the others', async () => {
  const service = new TokenService();
  const exchange = service.exchange.bind(service);
  let answer = (): void => undefined;
  service.exchange = async (signal) => {
    await new Promise<void>((resolve) => (answer = resolve));
    return exchange(signal);
  };
  const abandoned = new AbortController();
  const [one, other] = [service.tokens.get(abandoned.signal), service.tokens.get()];
  abandoned.abort(new Error('abandoned'));
  await expect(one).rejects.toThrow('abandoned');
  answer();
  expect((await other).value).toMatch(/ 1$/);
});

const now = T0;
test.each([
  ['no token', {}, /returned no token: return \{ token, expiresAt\? \}/],
  ['nothing', undefined, /returned no token/],
  ['an empty token', { token: ' \n' }, /returned no token/],
  ['a token with a line break within', { token: 's3cret\ns3cret' }, /contains spaces, line breaks/],
  ['an end that is no Date', { token: 's3cret', expiresAt: '2026-03-01' }, /expiresAt that is not a valid Date/],
  [
    'an end that is an invalid Date',
    { token: 's3cret', expiresAt: new Date(NaN) },
    /expiresAt that is not a valid Date/,
  ],
  [
    'a token that has ended, by a clock that is wrong',
    { token: 's3cret', expiresAt: new Date(T0 - HOUR) },
    /expired at 2026-03-01T11:00:00.000Z, but this machine's clock says 2026-03-01T12:00:00.000Z: set the clock/,
  ],
])('credentials that return %s cause an error that says so without the token', (_, given, message) => {
  const check = (): unknown => checkToken(given, now);
  expect(check).toThrow(message);
  expect(check).not.toThrow(/s3cret/);
});

test('white space around a token is removed, since files end with a line break', () => {
  expect(checkToken({ token: 't0ken\n' }, now)).toEqual({ value: 't0ken' });
});
