import type { Match, UntilOptions } from 'temporal-lro/workflow';
import { checkMatch } from '../../src/descriptors/check-match';
import { differenceText, matches, matchText, wantedText } from '../../src/model/match';
import { diskRegistry, type Disk } from '../support/disks';

const reply = {
  status: 'CREATING',
  size: '5',
  hosts: [
    { name: 'a', isHealthy: true },
    { name: 'b', isHealthy: false },
  ],
  placement: { name: 'rack', isHealthy: true },
  labels: { env: 'prod' },
  tags: ['old', 'slow'],
};

test.each<[string, unknown, boolean]>([
  ['nothing, which any reply has', {}, true],
  ['a value', { status: 'CREATING' }, true],
  ['another value', { status: 'READY' }, false],
  ['one of several values', { status: ['READY', 'CREATING'] }, true],
  ['none of several values', { status: ['READY', 'ERROR'] }, false],
  ['several fields', { status: 'CREATING', size: '5' }, true],
  ['several fields, one of which differs', { status: 'CREATING', size: '6' }, false],
  ['a part of a message', { placement: { name: 'rack' } }, true],
  ['a field that is not set', { createdAt: '2026-01-01T00:00:00Z' }, false],
  ['an element of a list', { tags: 'slow' }, true],
  ['an element that a list does not have', { tags: 'new' }, false],
  ['one of several elements', { tags: ['new', 'old'] }, true],
  ['an element that has all fields', { hosts: { name: 'a', isHealthy: true } }, true],
  ['fields of two elements', { hosts: { name: 'b', isHealthy: true } }, false],
  ['an entry of a map', { labels: { env: 'prod' } }, true],
  ['the name of an inherited property', { labels: { toString: 'x' } }, false],
])('matches: %s', (_, wanted, isMatch) => {
  expect(matches(wanted, reply)).toBe(isMatch);
});

test('texts name what is seen and what is wanted', () => {
  expect(differenceText({ status: ['READY', 'ERROR'], size: '5' }, reply)).toBe(
    'status CREATING, wanted READY or ERROR',
  );
  expect(differenceText({ hosts: { name: 'b', isHealthy: true } }, reply)).toBe(
    'hosts.name a, b, wanted b; hosts.isHealthy true, false, wanted true',
  );
  expect(differenceText({ createdAt: '2026-01-01T00:00:00Z' }, reply)).toBe(
    'createdAt not set, wanted 2026-01-01T00:00:00Z',
  );
  expect(matchText({ status: 'CREATING', placement: { name: 'rack' } }, reply)).toBe(
    'status CREATING; placement.name rack',
  );
  expect(wantedText({ placement: { isHealthy: true } })).toBe('placement.isHealthy true');
  expect(wantedText({})).toBe('a reply');
  expect(wantedText('absent')).toBe('absent');
});

test('texts stay short, whatever is wanted', () => {
  const wanted = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`field${i}`, 'x'.repeat(10_000)]));
  expect(wantedText(wanted).length).toBeLessThan(400);
  expect(differenceText(wanted, {}).length).toBeLessThan(500);
});

function check(match: unknown): unknown {
  const disk = diskRegistry.getMessage('disks.v1.Disk');
  if (!disk) throw new Error('There is no disks.v1.Disk');
  return checkMatch(disk, match, diskRegistry);
}

test.each<[string, unknown, unknown]>([
  ['a number for an int64', { size: 5 }, { size: '5' }],
  ['the number of an enum value', { status: [2, 'ERROR'] }, { status: ['READY', 'ERROR'] }],
  [
    'the default value of a field',
    { status: 'STATUS_UNSPECIFIED', size: 0 },
    { status: 'STATUS_UNSPECIFIED', size: '0' },
  ],
  [
    'the name of a field in the .proto',
    { created_at: '2026-01-01T00:00:00.000Z' },
    { createdAt: '2026-01-01T00:00:00Z' },
  ],
  ['a field of the elements of a list', { hosts: { is_healthy: true } }, { hosts: { isHealthy: true } }],
  ['values of a list', { tags: ['a', 'b'] }, { tags: ['a', 'b'] }],
  ['a value of a map', { labels: { env: ['x', 'y'] } }, { labels: { env: ['x', 'y'] } }],
  ['a part of a Struct', { freeForm: { any: { thing: [1] } } }, { freeForm: { any: { thing: [1] } } }],
  ['an undefined field', { status: undefined }, {}],
])('a match may have %s, and becomes canonical', (_, match, canonical) => {
  expect(check(match)).toEqual(canonical);
});

test.each<[string, unknown, RegExp]>([
  [
    'an unknown field',
    { statuss: 'READY' },
    /^match\.statuss is "READY": this is not a field of disks\.v1\.Disk, which has id, /,
  ],
  [
    'an unknown field of an element',
    { hosts: { healthy: true } },
    /^match\.hosts\.healthy is true: .* disks\.v1\.Host, /,
  ],
  [
    'an unknown enum value',
    { status: 'RAEDY' },
    /^match\.status is "RAEDY": give one of STATUS_UNSPECIFIED, CREATING, READY/,
  ],
  ['an unknown enum value in a list', { status: ['READY', 'RAEDY'] }, /^match\.status\[1\] is "RAEDY"/],
  ['a value of another type', { tags: 5 }, /^match\.tags is 5: give a string/],
  [
    'a value for a message',
    { placement: 'rack' },
    /^match\.placement is "rack": give an object, a partial disks\.v1\.Host/,
  ],
  [
    'an invalid time',
    { createdAt: 'today' },
    /^match\.createdAt is "today": give the JSON of a google\.protobuf\.Timestamp/,
  ],
  ['null', { status: null }, /^match\.status is null: give one of/],
  ['no wanted value', { status: [] }, /^match\.status is an array: give at least one wanted value/],
])('a match with %s is refused with its path', (_, match, message) => {
  expect(() => check(match)).toThrow(message);
});

test('a typo in a match is a compile error', () => {
  const right: Match<Disk>[] = [
    { status: 'READY' },
    { status: ['READY', 'ERROR'] },
    { hosts: { isHealthy: true } },
    { placement: { name: 'rack' } },
    { labels: { env: 'prod' } },
    { tags: 'new' },
  ];
  expect(right).toHaveLength(6);
  // @ts-expect-error There is no such field.
  const field: Match<Disk> = { statuss: 'READY' };
  // @ts-expect-error There is no such value.
  const value: Match<Disk> = { status: 'RAEDY' };
  // @ts-expect-error There is no such value.
  const values: Match<Disk> = { status: ['READY', 'RAEDY'] };
  // @ts-expect-error The elements have no such field.
  const element: Match<Disk> = { hosts: { healthy: true } };
  // @ts-expect-error The message has no such field.
  const part: Match<Disk> = { placement: { healthy: true } };
  // @ts-expect-error There is no such value.
  const fail: UntilOptions<Disk> = { fail: { status: 'BROKEN' } };
  expect([field, value, values, element, part, fail]).toHaveLength(6);
});
