import { statusCode } from '../model/snapshot';
import { TokenCache, type TokenCacheOptions } from '../credentials/token-cache';
import { OptionError } from '../model/options';
import { CallError } from '../transport/channel';
import { checkAddress, hostOf, isLoopback } from '../model/address';
import { LIST_ENDPOINTS } from './envelope';
import { OperationServiceError } from './error';
import { iamAddressOf, type TokenService } from './iam';

/** A hostile or broken server must not be asked for ever. */
const MAXIMUM_PAGES = 20;

/** Packages whose endpoint goes by another name than theirs. */
const OTHER_IDS: ReadonlyMap<string, string> = new Map([
  ['ai.dataset', 'fomo-dataset'],
  ['ai.ocr', 'ai-vision-ocr'],
  ['ai.tuning', 'fomo-tuning'],
  ['clouddesktop', 'clouddesktops'],
  ['k8s', 'managed-kubernetes'],
  ['serverless.mdbproxy', 'mdbproxy'],
  ['speechkit.stt', 'ai-stt-v3'],
  // The endpoint "storage" is that of the S3 protocol.
  ['storage', 'storage-api'],
]);

/** Where the calls of one cloud go. Each rejects with an OperationServiceError where the cloud does not tell. */
export interface Endpoints {
  /** OperationService. */
  operations(signal?: AbortSignal): Promise<string>;
  /** IamTokenService. */
  tokens(signal?: AbortSignal): Promise<string>;
  /** A proto service that starts operations; undefined where the cloud has no endpoint for it. */
  service(name: string, signal?: AbortSignal): Promise<string | undefined>;
  /** What JWTs for its IamTokenService are made for. @default by the address of that */
  audience?: string | undefined;
}

/** Everything is at one address, except the token service beside it. */
export function fixedEndpoints(address: string): Endpoints {
  return {
    operations: () => Promise.resolve(address),
    tokens: () => Promise.resolve(iamAddressOf(address) ?? address),
    service: () => Promise.resolve(address),
  };
}

/**
 * Where the services of a cloud are, as its ApiEndpointService says: asked once an hour, and the last good answer is kept.
 * Only addresses under the domain of the service itself count, for calls that carry a token go there.
 */
export class Discovery implements Endpoints {
  readonly #cloud: string;
  readonly #address: string;
  readonly #endpoints: TokenCache<ReadonlyMap<string, string>>;

  constructor(cloud: string, address: string, call: TokenService['call'], options?: TokenCacheOptions) {
    this.#cloud = cloud;
    this.#address = address;
    this.#endpoints = new TokenCache(
      async (signal) => ({ value: await listEndpoints(address, call, signal) }),
      options,
    );
  }

  get audience(): string | undefined {
    return isLoopback(this.#address) ? undefined : `https://iam.${hostOf(this.#address)}/iam/v1/tokens`;
  }

  operations(signal?: AbortSignal): Promise<string> {
    return this.#endpoint('operation', signal);
  }

  tokens(signal?: AbortSignal): Promise<string> {
    return this.#endpoint('iam', signal);
  }

  /** By the package that it is in. */
  async service(name: string, signal?: AbortSignal): Promise<string | undefined> {
    const endpoints = await this.#list(signal);
    const ids = new Map([...endpoints.keys()].map((id) => [plain(id), id]));
    for (const candidate of endpointIds(name)) {
      const id = ids.get(plain(candidate));
      if (id !== undefined) return this.#check(id, endpoints.get(id));
    }
    return undefined;
  }

  async #endpoint(id: string, signal: AbortSignal | undefined): Promise<string> {
    return this.#check(id, (await this.#list(signal)).get(id));
  }

  async #list(signal: AbortSignal | undefined): Promise<ReadonlyMap<string, string>> {
    try {
      return (await this.#endpoints.get(signal)).value;
    } catch (err) {
      // Of an operation NOT_FOUND would mean that it is not known, and end its wait.
      const isTold = err instanceof CallError && err.code !== statusCode('NOT_FOUND');
      const code = isTold ? err.code : statusCode('UNAVAILABLE');
      const reason = err instanceof Error ? err.message : String(err);
      const message = `${this.#address} does not list its endpoints: ${reason}`;
      throw new OperationServiceError(`Endpoints of ${this.#cloud}`, { code, message, neverSent: true });
    }
  }

  #check(id: string, address: string | undefined): string {
    const problem = this.#problem(address);
    if (address !== undefined && problem === undefined) return address;
    const mend = id === 'iam' ? 'give serviceAccountKey an iamEndpoint' : 'give the host in `endpoint` or `services`';
    throw new OperationServiceError(`Endpoints of ${this.#cloud}`, {
      code: statusCode('FAILED_PRECONDITION'),
      neverSent: true,
      message: `${this.#address} lists ${address === undefined ? 'none' : JSON.stringify(address.slice(0, 100))} for ${JSON.stringify(id)}${problem ?? ''}: ${mend}`,
    });
  }

  /** Why calls do not go there. */
  #problem(address: string | undefined): string | undefined {
    if (address === undefined) return undefined;
    try {
      checkAddress('address', address);
    } catch (err) {
      if (err instanceof OptionError) return ', which is no host:port';
      throw err;
    }
    const [host, domain] = [hostOf(address), hostOf(this.#address)];
    if (host === domain || host.endsWith(`.${domain}`)) return undefined;
    if (isLoopback(address) && isLoopback(this.#address)) return undefined;
    return `, which is outside ${domain}, where calls that carry a token do not go`;
  }
}

async function listEndpoints(
  address: string,
  call: TokenService['call'],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  let pageToken = '';
  for (let page = 0; page < MAXIMUM_PAGES; page++) {
    const body = LIST_ENDPOINTS.encode(pageToken);
    const reply = LIST_ENDPOINTS.decode((await call({ address, path: LIST_ENDPOINTS.path, body, signal })).body);
    for (const endpoint of reply.endpoints) found.set(endpoint.id, endpoint.address);
    pageToken = reply.nextPageToken;
    if (pageToken === '') break;
  }
  // Not an answer that is worth losing a good one for.
  if (found.size === 0) throw new CallError(statusCode('UNAVAILABLE'), 'its list is empty');
  return found;
}

/**
 * The endpoints that may serve a proto service, likeliest first: `yandex.cloud.mdb.kafka.v1.TopicService` is at
 * "mdb-kafka" or "managed-kafka", and one of a package without an endpoint at that of the package around it.
 */
function endpointIds(service: string): string[] {
  const names = service
    .replace(/^yandex\.cloud\./, '')
    .split('.')
    .slice(0, -1);
  const version = names.findIndex((name) => /^v\d/.test(name));
  const path = version < 0 ? names : names.slice(0, version);
  return path.flatMap((_, index) => {
    const shorter = path.slice(0, path.length - index);
    const other = OTHER_IDS.get(shorter.join('.'));
    return [...(other === undefined ? [] : [other]), shorter.join(), `managed-${shorter.at(-1)}`];
  });
}

/** Ids are spelt with and without hyphens: "resource-manager", "resourcemanager". */
function plain(id: string): string {
  return id.toLowerCase().replace(/[^a-z0-9]/g, '');
}
