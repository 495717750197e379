import { configurationError } from '../model/failure';

/** Where a cloud's IAM tokens come from. Own providers implement this. */
export interface Credentials {
  /**
   * A valid token, and when it ends if that is known. Never logged, never sent to Temporal. Asked well before the former
   * one ends; `signal` aborts when nobody waits any longer.
   */
  getToken(signal: AbortSignal): Promise<{ token: string; expiresAt?: Date }>;
}

/** Why there is no token, where asking again will not help: says what to change. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';
}

/**
 * Checks what a provider gave, and takes white space off the token's ends; throws a CredentialsError that never shows it.
 * `now` is in epoch milliseconds.
 */
export function checkToken(given: unknown, now: number): { value: string; expiresAt?: Date } {
  const { token, expiresAt } = typeof given === 'object' && given !== null ? { ...nothing, ...given } : nothing;
  const value = typeof token === 'string' ? token.trim() : '';
  if (value === '') throw new CredentialsError('the credentials gave no token: return { token, expiresAt? }');
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw new CredentialsError('the token holds spaces, line breaks or other characters that no header can carry');
  }
  if (expiresAt === undefined || expiresAt === null) return { value };
  if (!(expiresAt instanceof Date) || Number.isNaN(expiresAt.getTime())) {
    throw new CredentialsError('the credentials gave an expiresAt that is no valid Date');
  }
  if (expiresAt.getTime() <= now) {
    throw new CredentialsError(
      `the token that was just obtained has ended at ${expiresAt.toISOString()}, while this machine's clock says ${new Date(now).toISOString()}: set the clock, or obtain a new token`,
    );
  }
  return { value, expiresAt };
}

const nothing: { token?: unknown; expiresAt?: unknown } = {};

/**
 * An IAM token that somebody else obtains: the token itself, or a function that is asked for it. A function is called
 * once an hour and when its token is refused, and should return a token with an hour of life left in it. A token of less
 * than 20 characters, as tests use, is not hidden where a cloud repeats it: it may be a word. Throws an
 * `OperationConfigurationError` for what is neither, such as an environment variable that is not set.
 */
export function iamToken(token: string | (() => string | Promise<string>)): Credentials {
  if (typeof token !== 'function' && (typeof token !== 'string' || token.trim() === '')) {
    const given = token === '' ? 'an empty string' : typeof token;
    throw configurationError('', `iamToken: token is ${given}: give an IAM token, or a function that returns one`);
  }
  return { getToken: async () => ({ token: typeof token === 'string' ? token : await token() }) };
}
