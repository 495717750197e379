import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http2';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from '../support/listen';
import { until } from '../support/until';
import { caller, errorOf, LIMITS, Scene, SLOW, untilServed } from './scene';

const scene = new Scene();
beforeEach(() => scene.begin());
afterEach(() => scene.end());

describe('a connection that goes silent', () => {
  test('is replaced by a later call, although calls are rare', async () => {
    const between = await scene.relay(scene.address);
    const call = caller(scene.channels(), between.address);
    await call();
    between.stallOpen();
    expect(await errorOf(call(100))).toMatchObject({ code: 4, neverSent: false });
    await sleep(LIMITS.replyMs);
    await call();
    expect([between.connections(), scene.served.length]).toEqual([2, 2]);
    await until(() => between.open() === 1);
  });

  test('leaves no socket open, even if its peer does not close it', async () => {
    const sockets: Socket[] = [];
    const collect = (message: unknown): void => {
      if (typeof message !== 'object' || message === null || !('socket' in message)) return;
      if (message.socket instanceof Socket) sockets.push(message.socket);
    };
    const between = await scene.relay(scene.address);
    const call = caller(scene.channels(), between.address);
    subscribe('net.client.socket', collect);
    await call();
    unsubscribe('net.client.socket', collect);
    const [first] = sockets;
    between.stallOpen();
    await errorOf(call(100));
    await sleep(LIMITS.replyMs);
    await call();
    await until(() => first?.destroyed === true);
  });

  test('fails a long call before its deadline, since pings are not answered', async () => {
    const between = await scene.relay(scene.address);
    const call = caller(scene.channels(), between.address);
    const slow = errorOf(call(60_000, SLOW));
    await until(() => scene.served.length > 0);
    between.stallOpen();
    expect(await slow).toMatchObject({ code: 14, neverSent: false });
    await untilServed(call);
  });

  test('is replaced when the server answers pings, but no call', async () => {
    let sessions = 0;
    const mute = createServer();
    mute.on('session', (session) => {
      sessions++;
      scene.atEnd(() => session.destroy());
    });
    mute.on('stream', (stream) => void stream.on('error', () => undefined));
    const call = caller(scene.channels(), await listen(mute));
    scene.atEnd(() => mute.close());
    for (let index = 0; index < 3; index++) {
      expect(await errorOf(call(LIMITS.replyMs))).toMatchObject({ code: 4, neverSent: false });
      await sleep(50);
    }
    expect(sessions).toBe(3);
  });

  test('lets its calls in flight end on their own', async () => {
    const between = await scene.relay(scene.address);
    const call = caller(scene.channels(), between.address);
    const slow = call(20_000, SLOW);
    await until(() => scene.served.length > 0);
    await sleep(LIMITS.replyMs);
    await call();
    expect(between.connections()).toBe(2);
    // Longer than a ping and its answer can take.
    await sleep(LIMITS.pingAfterMs + LIMITS.pingAnswerMs);
    scene.release();
    expect((await slow).body.toString()).toBe('reply');
    await until(() => between.open() === 1);
  });
});

describe('a connection is not silent', () => {
  test('while the server is slow for one method, and answers others', async () => {
    const between = await scene.relay(scene.address);
    const call = caller(scene.channels(), between.address);
    let replies = 0;
    let isDone = false;
    const others = (async () => {
      for (; !isDone; await sleep(20)) replies += (await call()).body.length > 0 ? 1 : 0;
    })();
    for (let index = 0; index < 4; index++) {
      expect(await errorOf(call(LIMITS.replyMs, SLOW))).toMatchObject({ code: 4, neverSent: false });
    }
    isDone = true;
    await others;
    expect(replies).toBeGreaterThan(0);
    expect(between.connections()).toBe(1);
  });

  test('when the server answers with errors', async () => {
    const between = await scene.relay(scene.address);
    const call = caller(scene.channels(), between.address);
    for (let index = 0; index < 2; index++) {
      expect(await errorOf(call(20_000, '/test.Unknown/Get'))).toMatchObject({ code: 12, neverSent: false });
      await sleep(LIMITS.replyMs);
    }
    expect(between.connections()).toBe(1);
  });

  test('when the last call was abandoned', async () => {
    const between = await scene.relay(scene.address);
    const call = caller(scene.channels(), between.address);
    const abandoned = new AbortController();
    const slow = errorOf(call(20_000, SLOW, abandoned.signal));
    await until(() => scene.served.length > 0);
    abandoned.abort();
    expect(await slow).toMatchObject({ code: 1, neverSent: false });
    await sleep(LIMITS.replyMs);
    await call();
    expect(between.connections()).toBe(1);
  });
});
