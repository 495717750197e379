import { createPrivateKey, type KeyObject } from 'crypto';
import { readFileSync } from 'fs';
import { SignJWT } from 'jose';
import { configurationError } from '../model/failure';

/** At most what the cloud accepts between `iat` and `exp`. */
const JWT_LIFE_S = 3600;
/** How far this machine's clock may be ahead of the cloud's: `iat` must not lie in the cloud's future. */
const CLOCK_AHEAD_S = 300;
const FORMAT =
  'give a key as "yc iam key create --output key.json" writes it: { id, service_account_id, private_key }, its path or its JSON';

interface Key {
  id: string;
  serviceAccountId: string;
  privateKey: KeyObject;
}

/**
 * The authorized key of a service account, which signs the JWTs that a cloud's token service takes. A file is read again
 * for each JWT, so that a rotated key is used without a restart. Shows nothing of the key to `util.inspect` or JSON.
 */
export class ServiceAccountKey {
  readonly #read: () => Key;
  #key: Key;

  /** `key` is a path, JSON text or the object. Throws an `OperationConfigurationError` that never shows the key. */
  constructor(key: string | object) {
    this.#read = reader(key);
    this.#key = this.#read();
  }

  /** Whose key it is, for error messages. */
  get name(): string {
    return `key ${this.#key.id} of service account ${this.#key.serviceAccountId}`;
  }

  /** Signed for `audience`, valid for almost an hour from `now`, which is in epoch milliseconds. */
  sign(audience: string, now: number = Date.now()): Promise<string> {
    this.#refresh();
    const { id, serviceAccountId, privateKey } = this.#key;
    const issuedAt = Math.floor(now / 1000) - CLOCK_AHEAD_S;
    return new SignJWT()
      .setProtectedHeader({ alg: 'PS256', typ: 'JWT', kid: id })
      .setIssuer(serviceAccountId)
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + JWT_LIFE_S)
      .sign(privateKey);
  }

  /** A file that is being replaced may be unreadable for a moment: the former key is good until the cloud refuses it. */
  #refresh(): void {
    try {
      this.#key = this.#read();
    } catch (err) {
      const problem = err instanceof Error ? err.message : String(err);
      process.emitWarning(`temporal-lro: ${problem}; the former key is used`);
    }
  }
}

function reader(key: unknown): () => Key {
  if (typeof key === 'object' && key !== null) {
    const parsed = check('the key', key);
    return () => parsed;
  }
  if (typeof key !== 'string' || key.trim() === '') throw bad(`the key is ${key === '' ? 'empty' : typeof key}`);
  if (key.trim().startsWith('{')) {
    const parsed = check('the key', json('the key', key));
    return () => parsed;
  }
  // What is no path may be a secret that was given by mistake: it is not shown.
  if (key.length > 1024 || /[\n\r]|-----BEGIN/.test(key)) throw bad('the key is neither JSON nor a path');
  return () => {
    const name = `the key file ${key}`;
    let text;
    try {
      text = readFileSync(key, 'utf8');
    } catch (err) {
      throw bad(`${name} cannot be read (${codeOf(err)})`);
    }
    return check(name, json(name, text));
  };
}

function json(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw bad(`${name} is no JSON`);
  }
}

function check(name: string, value: unknown): Key {
  const fields: Record<string, unknown> = typeof value === 'object' && value !== null ? { ...value } : {};
  const field = (key: string): string => {
    const member = fields[key];
    if (typeof member !== 'string' || member === '') throw bad(`${name} has no ${key}`);
    return member;
  };
  const id = field('id');
  const serviceAccountId = field('service_account_id');
  const pem = field('private_key');
  // The yc tool may write a line of warning before the PEM.
  const begin = pem.indexOf('-----BEGIN');
  if (begin < 0) throw bad(`private_key of ${name} is no PEM`);
  let privateKey;
  try {
    privateKey = createPrivateKey(pem.slice(begin));
  } catch {
    throw bad(`private_key of ${name} is no private key that can be read: it is damaged or encrypted`);
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = privateKey;
  if (type !== 'rsa') throw bad(`private_key of ${name} is of type ${type}, where the cloud takes rsa`);
  const bits = details?.modulusLength ?? 0;
  if (bits < 2048) throw bad(`private_key of ${name} has ${bits} bits, where the cloud takes 2048 or more`);
  return { id, serviceAccountId, privateKey };
}

function codeOf(err: unknown): string {
  return typeof err === 'object' && err !== null && 'code' in err ? String(err.code) : String(err);
}

function bad(problem: string): Error {
  return configurationError('', `serviceAccountKey: ${problem}: ${FORMAT}`);
}
