import http, { type RequestOptions } from 'node:http';
import https from 'node:https';
import { inspect } from 'node:util';
import { GoogleAuth, JWT, UserRefreshClient } from 'google-auth-library';
import { googleCredentials, OperationsClient, type Credentials } from 'temporal-lro';
import { CredentialsError } from '../../src/credentials/credentials';

// A process of its own, since the library imports its HTTP client in a way that jest does not support.

/** What to get tokens with. */
export interface Order {
  /** `host:port` that takes the place of Google's servers. */
  origin: string;
  client: 'default' | 'key' | 'key file' | 'login';
  privateKey?: string;
  keyFile?: string;
  clientSecret?: string;
  refreshToken?: string;
  /** Environment variables; undefined deletes one. */
  env?: Record<string, string | undefined>;
  /** Whether to use the credentials of the order before this one. */
  again?: boolean;
  /** How many tokens to get, one after the other. */
  times?: number;
  timeoutMs?: number;
  /** `host:port` of a cloud to call in place of getting tokens. */
  cloud?: string;
}

/** What one call has ended with. */
export type Outcome =
  { token: string; expiresAt?: string } | { state: string } | { isFinal: boolean; message: string; shown: string };

export interface Report {
  outcomes: Outcome[];
  /** The credentials as `inspect` and JSON show them. */
  shown: string;
}

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
let former: Credentials | undefined;

async function execute(order: Order): Promise<Report> {
  origin = order.origin;
  for (const [name, value] of Object.entries(order.env ?? {})) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  const credentials = order.again && former ? former : make(order);
  former = credentials;
  const outcomes: Outcome[] = [];
  for (let n = 0; n < (order.times ?? 1); n++) outcomes.push(await outcomeOf(order, credentials));
  return { outcomes, shown: inspect(credentials, { depth: Infinity, showHidden: true }) + JSON.stringify(credentials) };
}

async function outcomeOf({ cloud, timeoutMs }: Order, credentials: Credentials): Promise<Outcome> {
  const client =
    cloud === undefined ? undefined : OperationsClient.connect({ endpoint: cloud, plaintext: true, credentials });
  try {
    if (client) return { state: (await client.get('done')).state };
    const { token, expiresAt } = await credentials.getToken(AbortSignal.timeout(timeoutMs ?? 30_000));
    return { token, ...(expiresAt && { expiresAt: expiresAt.toISOString() }) };
  } catch (err) {
    const message = err instanceof Error ? err.message : String(err);
    const shown = inspect(err, { depth: Infinity, showHidden: true });
    return { isFinal: err instanceof CredentialsError, message, shown };
  } finally {
    client?.close();
  }
}

function make({ client, privateKey = '', keyFile = '', clientSecret = '', refreshToken = '' }: Order): Credentials {
  switch (client) {
    case 'default':
      return googleCredentials();
    case 'key': {
      const email = 'operations@my-project.iam.gserviceaccount.com';
      return googleCredentials(new JWT({ email, key: privateKey, scopes: SCOPE }));
    }
    case 'key file':
      return googleCredentials(new GoogleAuth({ keyFile, scopes: SCOPE }));
    case 'login':
      return googleCredentials(new UserRefreshClient({ clientId: 'client', clientSecret, refreshToken }));
  }
}

let origin = '';
// The addresses of Google's servers are in the code of the library: they lead to this machine.
Object.assign(https, {
  request: (url: URL, options: RequestOptions) => {
    const [hostname = '', port = ''] = origin.split(':');
    return http.request(Object.assign(new URL(url), { protocol: 'http:', hostname, port }), options);
  },
});

process.on('message', (order: Order) => {
  execute(order).then(
    (report) => process.send?.(report),
    (err: unknown) => process.send?.({ outcomes: [], shown: inspect(err) }),
  );
});
process.on('disconnect', () => process.exit());
