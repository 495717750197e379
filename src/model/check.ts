import { msToNumber, type Duration } from '@temporalio/common';
import { redact } from './redact';

/** Checks values that users give. Each check throws an OptionError that names the field, its value and the rule. */

/** Ten years: a longer duration has the wrong unit. */
const MAXIMUM_DURATION_MS = 10 * 365 * 24 * 3_600_000;

/** Shows an invalid value in an error message, truncated. Never shows the contents of objects: they may be secret. */
export function show(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return bounded(text);
}

function bounded(text: string): string {
  // Redact before truncating: a truncated secret may not be recognised.
  const redacted = redact(text.slice(0, 2_000));
  return redacted.length > 80 ? `${redacted.slice(0, 80)}…` : redacted;
}

/** An option is invalid. The message names the field, its value and the rule. */
export class OptionError extends Error {
  constructor(field: string, value: unknown, rule: string) {
    super(`${bounded(field)} is ${show(value)}: ${rule}`);
    this.name = 'OptionError';
  }
}

/** Checks a Duration and returns its milliseconds. Throws an OptionError that names `field`. */
export function durationMs(field: string, value: unknown): number {
  const rule = 'give a number of milliseconds or a string such as "30 s" or "5 min", above 0 and at most 10 years';
  if (typeof value !== 'number' && typeof value !== 'string') throw new OptionError(field, value, rule);
  let ms: number;
  try {
    // msToNumber takes a template-literal type, and whether the string matches it is what this call checks.
    ms = msToNumber(value as Duration);
  } catch {
    throw new OptionError(field, value, rule);
  }
  if (!(ms > 0 && ms <= MAXIMUM_DURATION_MS)) throw new OptionError(field, value, rule);
  return ms;
}

/** Checks a number; `rule` says what `within` accepts. Throws an OptionError. */
export function numberWithin(field: string, value: unknown, rule: string, within: (n: number) => boolean): number {
  if (typeof value !== 'number' || !within(value)) throw new OptionError(field, value, rule);
  return value;
}

/** Checks that the value is one of the words. Throws an OptionError. */
export function oneOf<T extends string>(field: string, value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new OptionError(field, value, `give one of ${allowed.join(', ')}`);
  return found;
}

/** Checks a whole number of at least `minimum`. Throws an OptionError. */
export function wholeNumber(field: string, value: unknown, minimum: number): number {
  return numberWithin(
    field,
    value,
    `give a whole number from ${minimum} on`,
    (n) => Number.isInteger(n) && n >= minimum,
  );
}

/** Checks a boolean. Throws an OptionError. */
export function flag(field: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new OptionError(field, value, 'give true or false');
  return value;
}

/** Checks a string. Throws an OptionError. */
export function text(field: string, value: unknown): string {
  if (typeof value !== 'string') throw new OptionError(field, value, 'give a string');
  return value;
}

/** Checks an array, and returns a copy. Throws an OptionError. */
export function list(field: string, value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new OptionError(field, value, 'give an array');
  return Array.from<unknown>(value);
}

/** Clients in languages without undefined send null for omitted values. */
export function isNil(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** Whether the value is an object, and not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A copy of the object's fields; none for any other value. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  return isObject(value) ? { ...value } : {};
}

/** Checks that the value is an object. Throws an OptionError. */
export function plainObject(field: string, value: unknown): Record<string, unknown> {
  if (!isObject(value)) throw new OptionError(field, value, 'give an object');
  return { ...value };
}

/** Throws an OptionError for an unknown key: a misspelt option must not be ignored silently. */
export function onlyKeys(field: string, value: Record<string, unknown>, known: readonly string[]): void {
  for (const [key, given] of Object.entries(value)) {
    if (!known.includes(key)) {
      throw new OptionError(
        field === '' ? key : `${field}.${key}`,
        given,
        `unknown option; known are ${known.join(', ')}`,
      );
    }
  }
}
