import { durationMs, onlyKeys, OptionError, plainObject } from '../model/options';
import type { AnyJson } from '../model/snapshot';
import { codeName, statusCode } from '../model/status-code';

/** A ScriptedError whose code is a number of google.rpc.Code. */
export interface CheckedError {
  code: number;
  message?: string;
  details?: AnyJson[];
}

/** What type URLs begin with where only a type's name is given. */
export const TYPE_URL_PREFIX = 'type.googleapis.com/';

/** Checks the JSON of an Any, whose type is `defaultType` where it names none itself; the default prefix is left out. */
export function checkAny(field: string, value: unknown, defaultType?: string): AnyJson {
  const { '@type': type = defaultType, ...fields } = plainObject(field, value);
  if (typeof type !== 'string' || type === '') {
    throw new OptionError(`${field}['@type']`, type, 'give the name of its type, such as "google.protobuf.Empty"');
  }
  return { '@type': type.startsWith(TYPE_URL_PREFIX) ? type.slice(TYPE_URL_PREFIX.length) : type, ...fields };
}

export function checkError(field: string, value: unknown): CheckedError {
  const { codeName: name, ...given } = plainObject(field, value);
  onlyKeys(field, given, ['code', 'message', 'details']);
  const code = wholeNumber(`${field}.code`, given.code, 0);
  if (name !== undefined && name !== codeName(code)) {
    throw new OptionError(`${field}.codeName`, name, `leave it out: the name of code ${code} is ${codeName(code)}`);
  }
  return {
    code,
    ...(given.message !== undefined && { message: text(`${field}.message`, given.message) }),
    ...(given.details !== undefined && {
      details: list(`${field}.details`, given.details).map((detail, i) => checkAny(`${field}.details[${i}]`, detail)),
    }),
  };
}

/** Checks an error that a call fails with: unlike an operation's, its code is not OK. */
export function checkCallError(field: string, value: unknown): CheckedError {
  const error = checkError(field, value);
  wholeNumber(`${field}.code`, error.code, statusCode('OK') + 1);
  return error;
}

/** Whole milliseconds of a Duration that may be 0. */
export function delayMs(field: string, value: unknown): number {
  return /^0(\.0*)?\s*[a-z]*$/i.test(String(value)) ? 0 : Math.round(durationMs(field, value));
}

export function wholeNumber(field: string, value: unknown, minimum: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= minimum) return value;
  throw new OptionError(field, value, `give a whole number from ${minimum} on`);
}

export function text(field: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new OptionError(field, value, 'give a string');
}

export function list(field: string, value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new OptionError(field, value, 'give an array');
  return Array.from<unknown>(value);
}
