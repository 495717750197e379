import { fieldsOf } from '../model/check';

/** What differs between the authorized keys of the clouds. */
export interface KeyFormat {
  /** The function that takes a key, which begins error messages. */
  readonly name: string;
  /** What to give, which ends error messages. */
  readonly rule: string;
  readonly algorithm: 'PS256' | 'RS256';
  /** Whether the JWT has the claim `sub`, which is the account. */
  readonly hasSubject: boolean;
  /** The longest time between `iat` and `exp` that the cloud accepts. */
  readonly lifeS: number;
  /** How far this machine's clock may be ahead of the cloud's, which rejects an `iat` in its future. */
  readonly clockAheadS: number;
  /** Where the parts of a key are. */
  readonly find: (key: Members) => KeyParts;
}

export type Members = Record<string, unknown>;

/** The names of the members `of` that hold the parts of a key. */
export interface KeyParts {
  of: Members;
  id: string;
  account: string;
  privateKey: string;
  /** Why the cloud accepts no such key. */
  problem?: string | undefined;
}

export const YANDEX_KEY: KeyFormat = {
  name: 'serviceAccountKey',
  rule: 'give a key as "yc iam key create --output key.json" writes it: { id, service_account_id, private_key }, its path or its JSON',
  algorithm: 'PS256',
  hasSubject: false,
  lifeS: 3600,
  clockAheadS: 300,
  find: (key) => ({ of: key, id: 'id', account: 'service_account_id', privateKey: 'private_key' }),
};

export const NEBIUS_KEY: KeyFormat = {
  name: 'nebiusServiceAccountKey',
  rule: 'give { serviceAccountId, publicKeyId, privateKey }, or the path or the JSON of a file as "nebius iam auth-public-key generate --output key.json" writes it',
  algorithm: 'RS256',
  hasSubject: true,
  lifeS: 300,
  clockAheadS: 120,
  find(key) {
    const of = key['subject-credentials'];
    if (typeof of !== 'object' || of === null) {
      return { of: key, id: 'publicKeyId', account: 'serviceAccountId', privateKey: 'privateKey' };
    }
    const members = fieldsOf(of);
    return { of: members, id: 'kid', account: 'sub', privateKey: 'private-key', problem: problemOf(members) };
  },
};

/** What Nebius's own tools refuse too. */
function problemOf({ type = 'JWT', alg = 'RS256', iss, sub }: Members): string | undefined {
  if (type !== 'JWT' && type !== '') return 'type is not JWT';
  if (alg !== 'RS256') return 'alg is not RS256';
  return iss === undefined || iss === sub ? undefined : 'iss and sub differ';
}
