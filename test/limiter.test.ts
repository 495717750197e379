import { processorMs } from './support/processor-time';
import { Limiter, type Purpose } from '../src/transport/limiter';

/** A limiter whose only turn is taken until `end` is called, and the order of the turns after that. */
function held(): {
  limiter: Limiter;
  order: string[];
  ask: (name: string, purpose?: Purpose) => void;
  end: () => Promise<void>;
} {
  const limiter = new Limiter(1);
  const order: string[] = [];
  const asked: Promise<unknown>[] = [];
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  asked.push(limiter.run(() => released));
  return {
    limiter,
    order,
    ask: (name, purpose) => {
      asked.push(limiter.run(() => Promise.resolve(order.push(name)), purpose && { purpose }));
    },
    end: async () => {
      release();
      await Promise.all(asked);
    },
  };
}

test('cancellations go first, then starts, then polls, each in the order of their requests', async () => {
  const { order, ask, end } = held();
  ask('poll 1');
  ask('poll 2');
  ask('start 1', 'start');
  ask('cancel 1', 'cancel');
  ask('start 2', 'start');
  ask('cancel 2', 'cancel');
  await end();
  expect(order).toEqual(['cancel 1', 'cancel 2', 'start 1', 'start 2', 'poll 1', 'poll 2']);
});

test('polls and starts get turns however many cancellations wait', async () => {
  const { order, ask, end } = held();
  for (let i = 0; i < 50; i++) {
    ask('poll');
    ask('start', 'start');
    for (let j = 0; j < 50; j++) ask('cancel', 'cancel');
  }
  await end();
  for (const name of ['poll', 'start']) {
    const at = order.flatMap((one, i) => (one === name ? [i] : []));
    const gaps = at.map((index, i) => index - (at[i - 1] ?? -1));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(6);
  }
});

test('a call that leaves the queue does not remove others, whatever its position', async () => {
  const { limiter, order, ask, end } = held();
  const left = new AbortController();
  const leaving: Promise<unknown>[] = [];
  for (let i = 0; i < 9; i++) {
    if (i % 3 === 1) ask(`poll ${i}`);
    else leaving.push(limiter.run(() => Promise.resolve(order.push('one that left')), { signal: left.signal }));
  }
  left.abort();
  for (const rejected of leaving) await expect(rejected).rejects.toThrow('abandoned before its turn');
  // Leaving later than that has no effect.
  left.abort();
  ask('poll 9');
  await end();
  expect(order).toEqual(['poll 1', 'poll 4', 'poll 7', 'poll 9']);
});

test('leaving a long queue costs no more than joining it', async () => {
  const { limiter, order, ask, end } = held();
  const COUNT = 50_000;
  const controllers = Array.from({ length: COUNT }, () => new AbortController());
  const leaving: Promise<unknown>[] = [];
  const joiningMs = processorMs(() => {
    for (const { signal } of controllers) {
      const left = limiter.run(() => Promise.resolve(order.push('one that left')), { signal });
      leaving.push(left.catch(() => undefined));
    }
  });
  const leavingMs = processorMs(() => controllers.reverse().forEach((controller) => controller.abort()));
  await Promise.all(leaving);
  ask('poll');
  await end();
  expect(order).toEqual(['poll']);
  // A search through the queue for each of them would take hundreds of times as long, far more than ten times.
  expect(leavingMs).toBeLessThan(10 * joiningMs);
});

test('after a turn of two calls the next turn begins one call later', async () => {
  const SPACING_MS = 200;
  const limiter = new Limiter(10, 1000 / SPACING_MS);
  const madeAt: number[] = [];
  const make = (): void => void madeAt.push(performance.now());
  await Promise.all([
    limiter.run((another) => {
      make();
      another();
      make();
      return Promise.resolve();
    }),
    limiter.run(() => Promise.resolve(make())),
  ]);
  const [first = 0, , third = 0] = madeAt;
  expect(third - first).toBeGreaterThanOrEqual(2 * SPACING_MS - 5);
});
