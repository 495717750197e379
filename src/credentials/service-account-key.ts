import { createPrivateKey, type KeyObject } from 'crypto';
import { readFileSync } from 'fs';
import { SignJWT } from 'jose';
import { fieldsOf } from '../model/check';
import { configurationError } from '../model/failure';
import { errorCode, messageOf } from '../model/thrown';
import type { KeyFormat, Members } from './key-formats';

interface Key {
  id: string;
  account: string;
  privateKey: KeyObject;
}

/**
 * The authorized key of a service account, which signs the JWTs for a cloud's token service. A file is read again for
 * each JWT, so that a rotated key takes effect without a restart. `util.inspect` and JSON show nothing of the key.
 */
export class ServiceAccountKey {
  readonly #format: KeyFormat;
  readonly #read: () => Key;
  #key: Key;

  /** `key` is a path, JSON text or the object. Throws an `OperationConfigurationError` that never shows the key. */
  constructor(key: string | object, format: KeyFormat) {
    this.#format = format;
    this.#read = new KeyReader(format).reader(key);
    this.#key = this.#read();
  }

  /** Identifies the key in error messages. */
  get name(): string {
    return `key ${this.#key.id} of service account ${this.#key.account}`;
  }

  /** Returns a JWT signed for `audience`. `now` is in epoch milliseconds. */
  sign(audience: string, now: number = Date.now()): Promise<string> {
    this.#refresh();
    const { algorithm, clockAheadS, hasSubject, lifeS } = this.#format;
    const { id, account, privateKey } = this.#key;
    const issuedAt = Math.floor(now / 1000) - clockAheadS;
    return new SignJWT(hasSubject ? { sub: account } : {})
      .setProtectedHeader({ alg: algorithm, typ: 'JWT', kid: id })
      .setIssuer(account)
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifeS)
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

/** Reads keys of one format. Its methods throw an `OperationConfigurationError` that never shows the key. */
class KeyReader {
  constructor(readonly format: KeyFormat) {}

  reader(key: unknown): () => Key {
    if (typeof key === 'object' && key !== null) {
      const parsed = this.#check('the key', fieldsOf(key));
      return () => parsed;
    }
    if (typeof key !== 'string' || key.trim() === '') {
      throw this.#bad(`the key is ${typeof key === 'string' ? 'empty' : typeof key}`);
    }
    if (key.trim().startsWith('{')) {
      const parsed = this.#check('the key', this.#json('the key', key));
      return () => parsed;
    }
    // Text that is not a path may be a secret given by mistake, so the error does not show it.
    if (key.length > 1024 || /[\n\r]|-----BEGIN/.test(key)) throw this.#bad('the key is neither JSON nor a path');
    return () => {
      const name = `the key file ${key}`;
      let text;
      try {
        text = readFileSync(key, 'utf8');
      } catch (err) {
        throw this.#bad(`${name} cannot be read (${errorCode(err) || String(err)})`);
      }
      return this.#check(name, this.#json(name, text));
    };
  }

  #json(name: string, text: string): Members {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw this.#bad(`${name} is not JSON`);
    }
    return fieldsOf(value);
  }

  #check(name: string, members: Members): Key {
    const parts = this.format.find(members);
    const part = (key: 'id' | 'account' | 'privateKey'): string => {
      const value = parts.of[parts[key]];
      if (typeof value !== 'string' || value === '') throw this.#bad(`${name} has no ${parts[key]}`);
      return value;
    };
    const [id, account, pem] = [part('id'), part('account'), part('privateKey')];
    if (parts.problem !== undefined) throw this.#bad(`${parts.problem} in ${name}`);
    return { id, account, privateKey: this.#privateKey(`${parts.privateKey} of ${name}`, pem) };
  }

  #privateKey(name: string, pem: string): KeyObject {
    // The yc tool may write a warning line before the PEM.
    const begin = pem.indexOf('-----BEGIN');
    if (begin < 0) throw this.#bad(`${name} is not PEM`);
    let privateKey;
    try {
      privateKey = createPrivateKey(pem.slice(begin));
    } catch {
      throw this.#bad(`${name} cannot be read: it is damaged or encrypted`);
    }
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = privateKey;
    if (type !== 'rsa') throw this.#bad(`${name} is of type ${type}, but the cloud accepts only rsa`);
    const bits = details?.modulusLength ?? 0;
    if (bits < 2048) throw this.#bad(`${name} has ${bits} bits, but the cloud requires 2048 or more`);
    return privateKey;
  }

  #bad(problem: string): Error {
    return configurationError('', `${this.format.name}: ${problem}: ${this.format.rule}`);
  }
}
