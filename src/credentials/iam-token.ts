import type { Credentials } from './credentials';

/**
 * An IAM token that somebody else obtains: the token itself, or a function that is asked for it. A function should
 * return a token with life left in it; it is called again when the token is refused.
 */
export function iamToken(token: string | (() => string | Promise<string>)): Credentials {
  return { getToken: async () => ({ token: typeof token === 'string' ? token : await token() }) };
}
