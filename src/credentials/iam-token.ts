import { configurationError } from '../model/failure';
import type { Credentials } from './credentials';

/**
 * An IAM token that somebody else obtains: the token itself, or a function that is asked for it. A function is called
 * once an hour and when its token is refused, and should return a token with an hour of life left in it. Throws an
 * `OperationConfigurationError` for what is neither, such as an environment variable that is not set.
 */
export function iamToken(token: string | (() => string | Promise<string>)): Credentials {
  if (typeof token !== 'function' && (typeof token !== 'string' || token.trim() === '')) {
    const given = token === '' ? 'an empty string' : typeof token;
    throw configurationError('', `iamToken: token is ${given}: give an IAM token, or a function that returns one`);
  }
  return { getToken: async () => ({ token: typeof token === 'string' ? token : await token() }) };
}
