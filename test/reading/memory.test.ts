import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ActivityContext } from '../../activities/context';
import { resourceSubject } from '../../activities/resource-subject';
import { Watcher } from '../../activities/watcher';
import type { Called } from '../../src/cloud/call';
import { UNKNOWN_OPERATION } from '../../src/model/evidence';
import { resolveWaitOptions } from '../../src/model/options';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const random = (): number => 0.5;
const context: ActivityContext = {
  clouds: new Map(),
  watcher: new Watcher(random),
  resourceWatcher: new Watcher(random),
  random,
};
const { schedule } = resolveWaitOptions();
const input = {
  cloud: 'yandex',
  method: '/a.B/Get',
  request: {},
  match: { status: 'READY' },
  schedule,
  startedAtMs: 0,
};

test('a watch keeps the text of what it saw, and not the reply, which may be large', async () => {
  const { withSeen } = resourceSubject(context, input);
  const see = (): { result: ReturnType<typeof withSeen>; reply: WeakRef<object> } => {
    const called: Called = { reply: { status: 'CREATING', text: 'x'.repeat(1_000_000) }, problems: [] };
    return { result: withSeen(called, 7), reply: new WeakRef(called.reply) };
  };
  const { result, reply } = see();
  // A WeakRef keeps its target until the end of the job in which it was made.
  await new Promise(setImmediate);
  collectGarbage();
  expect(typeof reply.deref()).toBe('undefined');
  const status = { code: 7, codeName: 'PERMISSION_DENIED', message: 'no role', details: [] };
  const refused = { status, record: UNKNOWN_OPERATION, delayMs: 1_000 };
  expect(result({ outcome: 'refused', refused })).toEqual({
    outcome: 'refused',
    refused: { ...refused, seen: { seen: 'status CREATING, wanted READY', atMs: 7 } },
  });
});
