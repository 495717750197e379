import { randomBytes } from 'crypto';

const PREFIX = 'fc1';
const DIGITS = 'abcdefghijklmnopqrstuv0123456789';
const RANDOM_DIGITS = 17;

/** An id in the form of Yandex Cloud's: 20 characters, of which the first three say which service has the object. */
export function newId(): string {
  return PREFIX + Array.from(randomBytes(RANDOM_DIGITS), (byte) => DIGITS.charAt(byte % DIGITS.length)).join('');
}
