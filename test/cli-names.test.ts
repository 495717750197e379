import { runAwait } from '../src/cli/await';
import { runCancel } from '../src/cli/cancel';
import { runGet } from '../src/cli/get';
import { runList } from '../src/cli/list';
import { runOrphans } from '../src/cli/orphans';
import { CommandError } from '../src/cli/outcome';

// Nothing listens here: invalid arguments are found before any connection is made.
const address = '127.0.0.1:1';
const wait = { address, cloud: 'yandex', taskQueue: 'temporal-lro' };
const since = '24h';

test.each<[string, () => Promise<unknown>, RegExp]>([
  ['a cloud of await', () => runAwait('x', { ...wait, cloud: 'a b' }), /^cloud is "a b": give the name of a cloud/],
  ['a cloud of get', () => runGet('x', { ...wait, cloud: '' }), /^cloud is "": give the name of a cloud/],
  ['a cloud of cancel', () => runCancel('x', { ...wait, cloud: 'a/b' }), /^cloud is "a\/b": give the name of a cloud/],
  ['a cloud of list', () => runList({ address, cloud: 'a b' }), /^cloud is "a b": give the name of a cloud/],
  ['a cloud of orphans', () => runOrphans({ ...wait, since, cloud: "'" }), /^cloud is "'": give the name of a cloud/],
  ['an operation of await', () => runAwait('', wait), /^operationId is "": give the id that the cloud returned/],
  ['an operation of get', () => runGet('a\u0000', wait), /^operationId is "a\\u0000": give the id/],
  ['an operation of cancel', () => runCancel('x'.repeat(513), wait), /^operationId is "xxx.*: give the id/],
  ['an empty task queue', () => runAwait('x', { ...wait, taskQueue: '' }), /^--task-queue is empty: name that of/],
  [
    'a task queue',
    () => runAwait('x', { ...wait, taskQueue: 'a\u0007' }),
    /^--task-queue is "a\\u0007": give 1 to 1000 bytes/,
  ],
  [
    'a reserved task queue',
    () => runOrphans({ ...wait, since, taskQueue: '/_sys/x' }),
    /^--task-queue is "\/_sys\/x": give/,
  ],
  ['an empty timeout', () => runAwait('x', { ...wait, timeout: 0 }), /^--timeout is 0: give a number/],
  ['a duration', () => runOrphans({ ...wait, since: 'long' }), /^--since is "long": give a number/],
  ['an empty namespace', () => runList({ address, namespace: '' }), /^The namespace is "": give 1 to 1000 characters/],
  ['an empty profile', () => runList({ address, profile: '' }), /^--profile is empty: name one, or leave it out\.$/],
  [
    'an unknown profile',
    () => runList({ address, profile: 'nix' }),
    /configuration cannot be used \(.*'nix'.*\)\. Check/,
  ],
])('%s that cannot be used is refused as a configuration error', async (_, run, message) => {
  const err: unknown = await run().catch((failed: unknown) => failed);
  expect(err).toBeInstanceOf(CommandError);
  expect(err).toMatchObject({ exitCode: 9, message: expect.stringMatching(message) as unknown });
});
