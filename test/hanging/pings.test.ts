import { createServer, type Http2Session } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from '../support/listen';
import { until } from '../support/until';
import { caller, errorOf, LIMITS, Scene, SLOW } from './scene';

const scene = new Scene();
beforeEach(() => scene.begin());
afterEach(() => scene.end());

/**
 * What a gRPC server counts by default: pings since it last sent anything. It closes the connection after the fourth.
 */
interface Counted {
  pings: number;
  /** The highest number of pings since a reply. */
  mostUnanswered: number;
  sessions: number;
}

/** A server that answers calls, or does not, and counts pings. */
async function countingServer(isAnswering: () => boolean): Promise<{ to: string; counted: Counted }> {
  const counted: Counted = { pings: 0, mostUnanswered: 0, sessions: 0 };
  const since = new WeakMap<Http2Session, number>();
  const server = createServer();
  server.on('session', (session) => {
    counted.sessions++;
    scene.atEnd(() => session.destroy());
    session.on('ping', () => {
      counted.pings++;
      const unanswered = (since.get(session) ?? 0) + 1;
      since.set(session, unanswered);
      counted.mostUnanswered = Math.max(counted.mostUnanswered, unanswered);
    });
  });
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    if (!isAnswering()) return;
    if (stream.session) since.delete(stream.session);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' }, { endStream: true });
  });
  const to = await listen(server);
  scene.atEnd(() => server.close());
  return { to, counted };
}

test('no pings are sent without a call in flight, but during a long call they are', async () => {
  let isAnswering = true;
  const { to, counted } = await countingServer(() => isAnswering);
  const call = caller(scene.channels(), to);
  await errorOf(call());
  await sleep(3 * LIMITS.pingAfterMs);
  expect(counted).toMatchObject({ pings: 0, sessions: 1 });
  isAnswering = false;
  const abandoned = new AbortController();
  const long = errorOf(call(20_000, SLOW, abandoned.signal));
  await until(() => counted.pings > 0);
  abandoned.abort();
  await long;
});

test('a server that answers no call gets too few pings on a connection to close it', async () => {
  const { to, counted } = await countingServer(() => false);
  const call = caller(scene.channels(), to);
  // The longest call has the same ratio to the ping limits as with the real limits, and many calls are in flight.
  const longestMs = (30 / 15) * LIMITS.pingAfterMs;
  const endsAt = Date.now() + 6 * longestMs;
  const calls: Promise<unknown>[] = [];
  for (; Date.now() < endsAt; await sleep(100)) calls.push(errorOf(call(longestMs)));
  await Promise.all(calls);
  expect(counted.pings).toBeGreaterThan(0);
  expect(counted.sessions).toBeGreaterThan(2);
  expect(counted.mostUnanswered).toBeLessThanOrEqual(3);
});
