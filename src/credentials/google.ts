import { createRequire } from 'module';
import { fieldsOf } from '../model/check';
import { configurationError } from '../model/failure';
import { redact } from '../model/redact';
import { messageOf } from '../model/thrown';
import { CredentialsError, type Credentials } from './credentials';
import { untilAborted } from './token-cache';

/** A `GoogleAuth`, or any of the clients of google-auth-library. */
export interface GoogleAuthLike {
  getAccessToken(): Promise<string | null | undefined | { token?: string | null }>;
}

const LIBRARY = 'google-auth-library';
/** How this package makes the client of Application Default Credentials. */
const OPTIONS = {
  scopes: 'https://www.googleapis.com/auth/cloud-platform',
  // Otherwise the library looks for the project with gcloud and over the network, and has no token if that fails.
  projectId: 'unused',
  // The library itself has no time limit, resends the secret where a redirect leads, and reads replies of any size.
  clientOptions: { transporterOptions: { timeout: 8_000, redirect: 'error', size: 65_536 } },
};
/** A call that has not returned after this long is replaced. Longer than all retries of the library together. */
const HUNG_AFTER_MS = 60_000;
const MAXIMUM_PROBLEM_LENGTH = 1_000;

/**
 * Uses access tokens of Google Cloud. `auth` is a `GoogleAuth` or any client of google-auth-library, an optional peer
 * dependency. @default Application Default Credentials. Throws an `OperationConfigurationError` if the library is not
 * installed, or if `auth` is something else; the error never shows `auth`.
 */
export function googleCredentials(auth?: GoogleAuthLike): Credentials {
  if (auth === undefined) return new GoogleCredentials(applicationDefault());
  if (!isAuth(auth)) {
    const given =
      auth === null ? 'null' : typeof auth === 'object' ? 'an object without getAccessToken' : `a ${typeof auth}`;
    const rule = `give a client of ${LIBRARY}, or nothing for Application Default Credentials`;
    throw configurationError('', `googleCredentials: auth is ${given}: ${rule}`);
  }
  return new GoogleCredentials(() => auth);
}

/** What {@link googleCredentials} returns. */
export class GoogleCredentials implements Credentials {
  readonly #load: () => GoogleAuthLike;
  readonly #hungAfterMs: number;
  #auth: GoogleAuthLike | undefined;
  #latest: string | undefined;
  #pending: { token: Promise<{ token: string; expiresAt?: Date }>; beganAt: number } | undefined;

  /** `load` is called at the first token, and when its object does not return. */
  constructor(load: () => GoogleAuthLike, hungAfterMs: number = HUNG_AFTER_MS) {
    this.#load = load;
    this.#hungAfterMs = hungAfterMs;
  }

  /** Rejects with a CredentialsError if asking again does not help. The errors contain nothing secret. */
  getToken(signal: AbortSignal): Promise<{ token: string; expiresAt?: Date }> {
    return untilAborted(this.#once(), signal);
  }

  /** The library cannot abort a call, so later callers join it. */
  #once(): Promise<{ token: string; expiresAt?: Date }> {
    if (this.#pending) {
      if (performance.now() - this.#pending.beganAt < this.#hungAfterMs) return this.#pending.token;
      // It would join its own hung request.
      this.#auth = undefined;
    }
    const pending = { token: this.#fetch(), beganAt: performance.now() };
    this.#pending = pending;
    const settled = (): void => {
      if (this.#pending === pending) this.#pending = undefined;
    };
    pending.token.then(settled, settled);
    return pending.token;
  }

  async #fetch(): Promise<{ token: string; expiresAt?: Date }> {
    let client: object | undefined;
    try {
      this.#auth ??= this.#load();
      const auth = this.#auth;
      client = hasClient(auth) ? await auth.getClient() : auth;
      let token = tokenOf(await auth.getAccessToken());
      // It was refused, or has to be renewed before it expires. The library would return it until it expires.
      if (token === this.#latest && forgetToken(client)) token = tokenOf(await auth.getAccessToken());
      this.#latest = token;
      const expiresAt = expiryOf(client, token);
      return expiresAt === undefined ? { token } : { token, expiresAt };
    } catch (err) {
      // It remembers that it has found no credentials.
      if (client === undefined) this.#auth = undefined;
      throw err instanceof CredentialsError ? err : problemOf(err, client !== undefined);
    }
  }
}

/** Loads the library at the first token. Throws an `OperationConfigurationError` if it is not installed. */
function applicationDefault(): () => GoogleAuthLike {
  const load = createRequire(__filename);
  const fix = `run "npm install ${LIBRARY}"`;
  try {
    load.resolve(LIBRARY);
  } catch {
    throw configurationError('', `googleCredentials: ${LIBRARY} is not installed: ${fix}`);
  }
  return () => {
    const library: unknown = load(LIBRARY);
    if (!isLibrary(library)) throw new CredentialsError(`${LIBRARY} has no GoogleAuth: ${fix}`);
    return new library.GoogleAuth(OPTIONS);
  };
}

function isLibrary(value: unknown): value is { GoogleAuth: new (options: object) => GoogleAuthLike } {
  return typeof value === 'object' && value !== null && 'GoogleAuth' in value && typeof value.GoogleAuth === 'function';
}

function isAuth(value: unknown): value is GoogleAuthLike {
  return (
    typeof value === 'object' &&
    value !== null &&
    'getAccessToken' in value &&
    typeof value.getAccessToken === 'function'
  );
}

/** Whether it is a GoogleAuth, which finds its client itself. */
function hasClient(auth: object): auth is { getClient(): Promise<object> } {
  return 'getClient' in auth && typeof auth.getClient === 'function';
}

/** Whether it caches a token as the clients of the library do. */
function hasCredentials(
  client: object,
): client is { credentials: Record<string, unknown>; setCredentials(credentials: object): void } {
  return (
    'setCredentials' in client &&
    typeof client.setCredentials === 'function' &&
    'credentials' in client &&
    typeof client.credentials === 'object' &&
    client.credentials !== null
  );
}

/** Makes the client fetch a new token next time. Returns false if it caches none. */
function forgetToken(client: object): boolean {
  if (!hasCredentials(client)) return false;
  client.setCredentials({ ...client.credentials, expiry_date: 1 });
  return true;
}

function expiryOf(client: object, token: string): Date | undefined {
  if (!hasCredentials(client) || client.credentials.access_token !== token) return undefined;
  const { expiry_date: expiresAtMs } = client.credentials;
  return typeof expiresAtMs === 'number' ? new Date(expiresAtMs) : undefined;
}

function tokenOf(answer: unknown): string {
  const { token = answer } = fieldsOf(answer);
  if (typeof token === 'string' && token !== '') return token;
  throw new CredentialsError('getAccessToken() of the Google client returned no token: give a client that has one');
}

/** An error without the request, which holds the secret. `found`: whether the library has found credentials. */
function problemOf(err: unknown, found: boolean): Error {
  const text = redact(messageOf(err));
  const problem = `${LIBRARY}: ${text.length > MAXIMUM_PROBLEM_LENGTH ? `${text.slice(0, MAXIMUM_PROBLEM_LENGTH)}…` : text}`;
  const status = statusOf(err);
  if (status !== undefined && REFUSALS.includes(status)) {
    const fix = "that they still exist, that their account may be used, and that this machine's clock is right";
    return new CredentialsError(`${problem} (HTTP ${status}): check the credentials: ${fix}`);
  }
  if (!found && status === undefined && !isRequest(err)) {
    const fix = `run "gcloud auth application-default login", or set GOOGLE_APPLICATION_CREDENTIALS to the path of a key`;
    return new CredentialsError(`${problem}: ${fix}`);
  }
  return new Error(status === undefined ? problem : `${problem} (HTTP ${status})`);
}

/** With these a server refuses the credentials; other statuses are transient. */
const REFUSALS = [400, 401, 403, 404];

function statusOf(err: unknown): number | undefined {
  // The status of a response is a getter.
  for (const one of [fieldsOf(err).response, err]) {
    if (typeof one === 'object' && one !== null && 'status' in one && typeof one.status === 'number') return one.status;
  }
  return undefined;
}

/** Whether it is the error of an HTTP request, as opposed to one of the credentials' form. */
function isRequest(err: unknown): boolean {
  return 'config' in fieldsOf(err);
}
