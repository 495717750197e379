import { statusCode } from '../../src/model/snapshot';
import { createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { createServer } from 'node:net';
import { jwtVerify, type JWTHeaderParameters, type JWTPayload, type JWTVerifyOptions } from 'jose';
import { method } from '../../src/apis/envelope';
import { CallFailure, UnaryServer, type IncomingCall, type OutgoingReply } from '../../src/testing/server';
import { leave, MARK } from './left-behind';
import { listen } from './listen';

export { relay } from './relay';

const GET = method('Get');
const CANCEL = method('Cancel');
const LIST = method('List', 'yandex.cloud.endpoint.ApiEndpointService');
const CREATE = method('Create', 'yandex.cloud.iam.v1.IamTokenService');
const EXCHANGE = method('Exchange', 'nebius.iam.v1.TokenExchangeService');

export const AUDIENCE = 'https://iam.api.cloud.yandex.net/iam/v1/tokens';

/** An authorized key in the cloud's file format, and its public half. */
export interface AuthorizedKey {
  file: { id: string; service_account_id: string; key_algorithm: string; public_key: string; private_key: string };
  publicKey: KeyObject;
}

export function authorizedKey(bits = 2048): AuthorizedKey {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: bits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const file = {
    id: 'ajek1testkey00000000',
    service_account_id: 'aje1testaccount00000',
    key_algorithm: 'RSA_2048',
    public_key: publicKey,
    private_key: privateKey,
  };
  return { file, publicKey: createPublicKey(publicKey) };
}

/** An IAM token in the format that the cloud publishes. */
export function newToken(mark = MARK): string {
  return `t1.${mark}${randomBytes(12).toString('hex')}.${randomBytes(86).toString('base64url').slice(0, 86)}`;
}

/** An access token in Google's format. */
export function newGoogleToken(mark = MARK): string {
  return `ya29.a0${mark}${randomBytes(120).toString('base64url')}`;
}

/** An access token in Nebius's format: a message, which begins with a field, and a signature. */
export function newNebiusToken(mark = MARK): string {
  const message = Buffer.concat([Buffer.from([0x0a, 0x26]), randomBytes(120)]).toString('base64url');
  return `ne1${message.slice(0, 8)}${mark}${message.slice(8)}.${randomBytes(64).toString('base64url')}`;
}

export interface GuardedCall {
  path: string;
  /** The content of the authorization header. */
  authorization: string | undefined;
}

/**
 * A cloud that checks credentials: ApiEndpointService and IamTokenService must be called without a token, and
 * OperationService accepts valid tokens only. Every operation is done at once, unless its ID says `running`.
 */
export class GuardedCloud {
  readonly calls: GuardedCall[] = [];
  /** The claims that IamTokenService has verified. */
  readonly jwts: { payload: JWTPayload; protectedHeader: JWTHeaderParameters }[] = [];
  /** The tokens that OperationService accepts. */
  readonly tokens = new Set<string>();
  /** The clock by which IamTokenService validates a JWT. */
  now = (): number => Date.now();
  /** The lifetime of the tokens that it issues. */
  tokenLifeMs = 3_600_000;
  /** The endpoints that ApiEndpointService lists. */
  endpoints: Record<string, string> = {};
  /** The operation for an ID and an authorization header; may throw a CallFailure. */
  operation: (id: string, authorization: string) => object = (id) => {
    const response = { type_url: 'type.googleapis.com/google.protobuf.Empty', value: Buffer.alloc(0) };
    return id.startsWith('running') ? { id } : { id, done: true, response };
  };
  /** Runs before a call is answered, and may make it fail. */
  before: (call: IncomingCall) => Promise<void> | void = () => undefined;
  readonly #server = new UnaryServer();
  readonly #publicKey: KeyObject;
  readonly #mark: string;
  address = '';

  private constructor(publicKey: KeyObject, mark: string) {
    this.#publicKey = publicKey;
    this.#mark = mark;
    this.#answer(LIST.path, () => this.#list());
    this.#answer(CREATE.path, (call) => this.#createToken(call));
    this.#answer(EXCHANGE.path, (call) => this.#exchangeToken(call));
    for (const { path, requestDeserialize } of [GET, CANCEL]) {
      this.serve(path, (authorization, body) => {
        const { operationId }: { operationId?: unknown } = requestDeserialize(body);
        return this.operation(String(operationId), authorization);
      });
    }
  }

  /** `mark` is part of every token that the cloud issues. */
  static async start(publicKey: KeyObject, mark = MARK): Promise<GuardedCloud> {
    const cloud = new GuardedCloud(publicKey, mark);
    cloud.address = await cloud.#server.listen(0);
    cloud.endpoints = { operation: cloud.address, iam: cloud.address };
    return cloud;
  }

  callsOf(name: 'Get' | 'Create' | 'List'): GuardedCall[] {
    return this.calls.filter(({ path }) => path.endsWith(`/${name}`));
  }

  close(): Promise<void> {
    leave('calls', String(this.calls.filter(({ authorization }) => authorization?.includes(MARK)).length));
    return this.#server.close();
  }

  #answer(path: string, answer: (call: IncomingCall) => Promise<Buffer> | Buffer): void {
    this.#server.answer(path, async (call): Promise<OutgoingReply> => {
      this.calls.push({ path, authorization: call.header('authorization') });
      await this.before(call);
      return { body: await answer(call) };
    });
  }

  #list(): Buffer {
    const endpoints = Object.entries(this.endpoints).map(([id, address]) => ({ id, address }));
    return LIST.responseSerialize({ endpoints });
  }

  async #createToken({ body }: IncomingCall): Promise<Buffer> {
    const { jwt }: { jwt?: unknown } = CREATE.requestDeserialize(body);
    await this.#verify(jwt, { algorithms: ['PS256'], audience: AUDIENCE, maxTokenAge: 3600 });
    const iamToken = newToken(this.#mark);
    this.tokens.add(iamToken);
    const endsAtMs = Date.now() + this.tokenLifeMs;
    const expiresAt = { seconds: String(Math.floor(endsAtMs / 1000)), nanos: (endsAtMs % 1000) * 1e6 };
    return CREATE.responseSerialize({ iamToken, expiresAt });
  }

  async #exchangeToken({ body }: IncomingCall): Promise<Buffer> {
    const { subjectToken }: { subjectToken?: unknown } = EXCHANGE.requestDeserialize(body);
    const audience = 'token-service.iam.new.nebiuscloud.net';
    await this.#verify(subjectToken, { algorithms: ['RS256'], audience, maxTokenAge: 300 });
    const accessToken = newNebiusToken(this.#mark);
    this.tokens.add(accessToken);
    return EXCHANGE.responseSerialize({ accessToken, expiresIn: this.tokenLifeMs / 1000 });
  }

  /** A JWT from the future is invalid as well. Echoes a refused one. */
  async #verify(jwt: unknown, options: JWTVerifyOptions): Promise<void> {
    const currentDate = new Date(this.now());
    try {
      this.jwts.push(await jwtVerify(String(jwt), this.#publicKey, { ...options, typ: 'JWT', currentDate }));
    } catch (err) {
      throw new CallFailure(statusCode('UNAUTHENTICATED'), `Bad JWT ${String(jwt)}: ${String(err)}`);
    }
  }

  /** A method that accepts valid tokens only. */
  serve(path: string, answer: (authorization: string, body: Buffer) => object): void {
    this.#answer(path, (call) => {
      const authorization = call.header('authorization') ?? '';
      if (!this.tokens.has(authorization.replace(/^Bearer /, ''))) {
        const message = `The token is invalid. Request: authorization: ${authorization}`;
        throw new CallFailure(statusCode('UNAUTHENTICATED'), message);
      }
      return GET.responseSerialize(answer(authorization, call.body));
    });
  }
}
/** A port of this machine that must receive no call. */
export async function startSink(): Promise<{ address: string; connections: () => number; close(): Promise<void> }> {
  let count = 0;
  const server = createServer((socket) => {
    count++;
    socket.destroy();
  });
  return {
    address: await listen(server),
    connections: () => count,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
