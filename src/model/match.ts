import { isObject } from './check';
import type { WaitOptions } from './options';
import { redact } from './redact';
import type { JsonObject, ShownOperation } from './snapshot';

// Which replies a wait for a state waits for. Pure JSON: the worker matches, and the workflow only shows what it wants.

/**
 * A partial reply. Each leaf is the wanted value, or a list of wanted values. Of a list in the reply, one element must
 * match.
 */
export type Match<R> = {
  [K in keyof R]?: Exclude<R[K], undefined> extends infer V ? MatchValue<V> : never;
};
type MatchValue<V> = [V] extends [readonly (infer E)[]]
  ? MatchValue<E>
  : [V] extends [object]
    ? Match<V>
    : V | readonly V[];

/** How to wait for a reply. */
export interface UntilOptions<R> extends Pick<WaitOptions, 'timeout' | 'poll'> {
  /** A reply that matches this fails the wait at once with `ResourceConditionFailed`. */
  fail?: Match<R>;
}

/** The options that a wait for a reply shares with a wait for an operation. */
export const UNTIL_OPTION_KEYS = ['timeout', 'poll'] as const satisfies readonly (keyof WaitOptions)[];

/** The answer to the query `resource` of the workflow type `awaitResource`. Times are RFC 3339. */
export interface ShownResource extends Pick<ShownOperation, 'lastPolledAt' | 'pollError'> {
  cloud: string;
  /** `ClusterService/Get c9q…` */
  reading: string;
  state: 'waiting' | 'matched';
  /** `status RUNNING` */
  wanted: string;
  /** `status PROVISIONING, wanted RUNNING`. Absent until the workflow has received a poll. */
  seen?: string;
  /** The last reply, of a large one its short fields. Only in the answer to the update `pollResource`. */
  reply?: JsonObject;
}

const MAXIMUM_SHOWN_VALUES = 4;
const MAXIMUM_SHOWN_LENGTH = 40;

/** Whether a value matches: all members of an object, one element of a list, and one of the wanted values. */
export function matches(wanted: unknown, value: unknown): boolean {
  if (Array.isArray(value)) return value.some((element) => matches(wanted, element));
  if (Array.isArray(wanted)) return wanted.some((one) => matches(one, value));
  if (!isObject(wanted)) return wanted === value;
  return isObject(value) && Object.entries(wanted).every(([key, one]) => matches(one, own(value, key)));
}

/** `status PROVISIONING, wanted RUNNING`: the leaves that do not match. */
export function differenceText(wanted: unknown, reply: JsonObject): string {
  const all = leaves(wanted, reply);
  const differing = all.filter(({ isMatch }) => !isMatch);
  // Each leaf may match in another element of a list.
  return listed(
    (differing.length > 0 ? differing : all).map(
      ({ path, wanted: one, values }) => `${path} ${valuesText(values)}, wanted ${wantedValues(one)}`,
    ),
  );
}

/** `status ERROR`: the values of the reply where something is wanted. */
export function matchText(wanted: unknown, reply: JsonObject): string {
  return listed(leaves(wanted, reply).map(({ path, values }) => `${path} ${valuesText(values)}`));
}

/** `status RUNNING or STOPPED`, `absent`, or `a reply` if any reply matches. */
export function wantedText(wanted: unknown): string {
  if (wanted === 'absent') return wanted;
  return listed(leaves(wanted, {}).map(({ path, wanted: one }) => `${path} ${wantedValues(one)}`)) || 'a reply';
}

interface Leaf {
  path: string;
  wanted: unknown;
  /** The values in the reply at this path: several below lists. */
  values: unknown[];
  isMatch: boolean;
}

function leaves(wanted: unknown, reply: unknown, path = ''): Leaf[] {
  if (isObject(wanted) && Object.keys(wanted).length > 0) {
    return Object.entries(wanted).flatMap(([key, one]) =>
      leaves(one, member(reply, key), path === '' ? key : `${path}.${key}`),
    );
  }
  if (path === '') return [];
  const values = Array.isArray(reply) ? reply.flat(10) : reply === undefined ? [] : [reply];
  return [{ path, wanted, values, isMatch: matches(wanted, reply) }];
}

/** The member of an object, or of each element of a list. */
function member(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.map((element) => member(element, key));
  return isObject(value) ? own(value, key) : undefined;
}

function own(value: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function valuesText(values: unknown[]): string {
  const texts = [...new Set(values.filter((value) => value !== undefined).map(valueText))];
  const more = texts.length > MAXIMUM_SHOWN_VALUES ? ', …' : '';
  return texts.length === 0 ? 'not set' : texts.slice(0, MAXIMUM_SHOWN_VALUES).join(', ') + more;
}

function wantedValues(wanted: unknown): string {
  const all: unknown[] = Array.isArray(wanted) ? wanted : [wanted];
  const more = all.length > MAXIMUM_SHOWN_VALUES ? ' or …' : '';
  return all.slice(0, MAXIMUM_SHOWN_VALUES).map(valueText).join(' or ') + more;
}

function valueText(value: unknown): string {
  if (isObject(value)) return Object.keys(value).length === 0 ? 'set' : 'an object';
  const text = redact(String(value === '' ? '""' : value));
  return text.length > MAXIMUM_SHOWN_LENGTH ? `${[...text].slice(0, MAXIMUM_SHOWN_LENGTH).join('')}…` : text;
}

function listed(texts: string[]): string {
  const more = texts.length > MAXIMUM_SHOWN_VALUES ? '; …' : '';
  return texts.slice(0, MAXIMUM_SHOWN_VALUES).join('; ') + more;
}
