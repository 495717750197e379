import { createPrivateKey, type KeyObject } from 'crypto';
import { readFileSync } from 'fs';
import { SignJWT } from 'jose';
import { fieldsOf } from '../model/check';
import { configurationError } from '../model/failure';
import { errorCode, messageOf } from '../model/thrown';

/** The longest time between `iat` and `exp` that the cloud accepts. */
const JWT_LIFE_S = 3600;
/** How far this machine's clock may be ahead of the cloud's, which rejects an `iat` in its future. */
const CLOCK_AHEAD_S = 300;
const FORMAT =
  'give a key as "yc iam key create --output key.json" writes it: { id, service_account_id, private_key }, its path or its JSON';

interface Key {
  id: string;
  serviceAccountId: string;
  privateKey: KeyObject;
}

/**
 * The authorized key of a service account, which signs the JWTs for a cloud's token service. A file is read again for
 * each JWT, so that a rotated key takes effect without a restart. `util.inspect` and JSON show nothing of the key.
 */
export class ServiceAccountKey {
  readonly #read: () => Key;
  #key: Key;

  /** `key` is a path, JSON text or the object. Throws an `OperationConfigurationError` that never shows the key. */
  constructor(key: string | object) {
    this.#read = reader(key);
    this.#key = this.#read();
  }

  /** Identifies the key in error messages. */
  get name(): string {
    return `key ${this.#key.id} of service account ${this.#key.serviceAccountId}`;
  }

  /** Returns a JWT signed for `audience`, valid for 55 minutes from `now`, which is in epoch milliseconds. */
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

  /** A file that is being replaced may be unreadable for a moment, so the previous key stays in use. */
  #refresh(): void {
    try {
      this.#key = this.#read();
    } catch (err) {
      const problem = messageOf(err);
      process.emitWarning(`temporal-lro: ${problem}; the previous key stays in use`);
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
  // Text that is not a path may be a secret given by mistake, so the error does not show it.
  if (key.length > 1024 || /[\n\r]|-----BEGIN/.test(key)) throw bad('the key is neither JSON nor a path');
  return () => {
    const name = `the key file ${key}`;
    let text;
    try {
      text = readFileSync(key, 'utf8');
    } catch (err) {
      throw bad(`${name} cannot be read (${errorCode(err) || String(err)})`);
    }
    return check(name, json(name, text));
  };
}

function json(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw bad(`${name} is not JSON`);
  }
}

function check(name: string, value: unknown): Key {
  const fields = fieldsOf(value);
  const field = (key: string): string => {
    const member = fields[key];
    if (typeof member !== 'string' || member === '') throw bad(`${name} has no ${key}`);
    return member;
  };
  const id = field('id');
  const serviceAccountId = field('service_account_id');
  const pem = field('private_key');
  // The yc tool may write a warning line before the PEM.
  const begin = pem.indexOf('-----BEGIN');
  if (begin < 0) throw bad(`private_key of ${name} is not PEM`);
  let privateKey;
  try {
    privateKey = createPrivateKey(pem.slice(begin));
  } catch {
    throw bad(`private_key of ${name} cannot be read: it is damaged or encrypted`);
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = privateKey;
  if (type !== 'rsa') throw bad(`private_key of ${name} is of type ${type}, but the cloud accepts only rsa`);
  const bits = details?.modulusLength ?? 0;
  if (bits < 2048) throw bad(`private_key of ${name} has ${bits} bits, but the cloud requires 2048 or more`);
  return { id, serviceAccountId, privateKey };
}

function bad(problem: string): Error {
  return configurationError('', `serviceAccountKey: ${problem}: ${FORMAT}`);
}
