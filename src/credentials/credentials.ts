import { fieldsOf } from '../model/check';
import { configurationError } from '../model/failure';

/** Provides a cloud's IAM tokens. Implement it for a provider of your own. */
export interface Credentials {
  /**
   * Returns a valid token and, if known, when it expires. The token is never logged or sent to Temporal. Called well
   * before the previous token expires; `signal` aborts when the fetch times out.
   */
  getToken(signal: AbortSignal): Promise<{ token: string; expiresAt?: Date }>;
}

/** No credential is longer. Servers and proxies refuse longer headers. */
const MAXIMUM_TOKEN_LENGTH = 16_384;

/** There is no token, and asking again will not help. The message says what to change. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';
}

/**
 * Checks what a provider returned and trims the token. Throws a CredentialsError that never shows the token. `now` is
 * in epoch milliseconds.
 */
export function checkToken(given: unknown, now: number): { value: string; expiresAt?: Date } {
  const { token, expiresAt } = fieldsOf(given);
  const value = typeof token === 'string' ? token.trim() : '';
  if (value === '') throw new CredentialsError('the credentials returned no token: return { token, expiresAt? }');
  const problem = problemOf(value);
  if (problem !== undefined) throw new CredentialsError(`the token ${problem}`);
  if (expiresAt === undefined || expiresAt === null) return { value };
  if (!(expiresAt instanceof Date) || Number.isNaN(expiresAt.getTime())) {
    throw new CredentialsError('the credentials returned an expiresAt that is not a valid Date');
  }
  if (expiresAt.getTime() <= now) {
    throw new CredentialsError(
      `the token that was just obtained expired at ${expiresAt.toISOString()}, but this machine's clock says ${new Date(now).toISOString()}: set the clock, or obtain a new token`,
    );
  }
  return { value, expiresAt };
}

/**
 * Uses an IAM token that you obtain: the token itself, or a function that returns it. A function is called once an hour
 * and when its token is refused; return a token that is valid for another hour. If a cloud echoes a token of less than
 * 20 characters, as in tests, it is not hidden: it may be an ordinary word. Throws an `OperationConfigurationError` for
 * any other value, such as an environment variable that is not set; the error never shows the value.
 */
export function iamToken(token: string | (() => string | Promise<string>)): Credentials {
  return given('iamToken: token', 'an IAM token', token);
}

/**
 * Uses an API key, such as one of Temporal Cloud: the key itself, or a function that returns it. A function is called
 * once an hour and when its key is refused, so that a key can be rotated without a restart. Throws an
 * `OperationConfigurationError` for any other value; the error never shows the value.
 */
export function apiKey(key: string | (() => string | Promise<string>)): Credentials {
  return given('apiKey: key', 'an API key', key);
}

/** `field` and `what` describe the value in errors. */
function given(field: string, what: string, value: string | (() => string | Promise<string>)): Credentials {
  if (typeof value === 'function') return { getToken: async () => ({ token: await value() }) };
  const token = typeof value === 'string' ? value.trim() : '';
  if (token === '') {
    const problem = typeof value === 'string' ? 'an empty string' : typeof value;
    throw configurationError('', `${field} is ${problem}: give ${what}, or a function that returns one`);
  }
  const problem = problemOf(token);
  if (problem !== undefined) throw configurationError('', `${field} ${problem}: give ${what} alone`);
  return { getToken: () => Promise.resolve({ token }) };
}

/** Why a text cannot be a token; says nothing of the text. */
function problemOf(token: string): string | undefined {
  if (token.length > MAXIMUM_TOKEN_LENGTH) {
    return `has ${token.length} characters, but a header holds at most ${MAXIMUM_TOKEN_LENGTH}`;
  }
  if (/^[\x21-\x7e]+$/.test(token)) return undefined;
  return 'contains spaces, line breaks or other characters that are not allowed in a header';
}
