import { statusCode } from '../model/snapshot';
import { TokenCache, type TokenCacheOptions } from '../credentials/token-cache';
import { OptionError } from '../model/check';
import { CallError } from '../transport/channel';
import { checkAddress, hostOf, isLoopback } from '../model/address';
import { messageOf } from '../model/thrown';
import { isFields, method, text, type Fields } from './envelope';
import { OperationServiceError } from './error';
import { iamAddressOf, type TokenService } from './iam';

const ENDPOINT_SERVICE = 'yandex.cloud.endpoint.ApiEndpointService';

/** ApiEndpointService.List: the endpoints of a cloud's services. */
const LIST_ENDPOINTS = {
  path: `/${ENDPOINT_SERVICE}/List`,
  encode: (pageToken: string): Buffer =>
    method('List', ENDPOINT_SERVICE).requestSerialize({ pageSize: 1000, pageToken }),
  decode(bytes: Buffer): { endpoints: { id: string; address: string }[]; nextPageToken: string } {
    const reply: Fields = { ...method('List', ENDPOINT_SERVICE).responseDeserialize(bytes) };
    const endpoints = Array.isArray(reply.endpoints) ? reply.endpoints.filter(isFields) : [];
    return {
      endpoints: endpoints.map(({ id, address }) => ({ id: text(id), address: text(address) })),
      nextPageToken: text(reply.nextPageToken),
    };
  },
};

/** Limits what a hostile or broken server can make us fetch. */
const MAXIMUM_PAGES = 20;

/** Packages whose endpoint id differs from the package name. */
const OTHER_IDS: ReadonlyMap<string, string> = new Map([
  ['ai.dataset', 'fomo-dataset'],
  ['ai.ocr', 'ai-vision-ocr'],
  ['ai.tuning', 'fomo-tuning'],
  ['clouddesktop', 'clouddesktops'],
  ['k8s', 'managed-kubernetes'],
  ['serverless.mdbproxy', 'mdbproxy'],
  ['speechkit.stt', 'ai-stt-v3'],
  // The endpoint "storage" serves the S3 protocol.
  ['storage', 'storage-api'],
]);

/**
 * The addresses of one cloud's services. Methods reject with an OperationServiceError if the cloud does not list one.
 */
export interface Endpoints {
  /** The address of OperationService. */
  operations(signal?: AbortSignal): Promise<string>;
  /** The address of IamTokenService. */
  tokens(signal?: AbortSignal): Promise<string>;
  /** The address of a proto service that starts operations; undefined if the cloud lists no endpoint for it. */
  service(name: string, signal?: AbortSignal): Promise<string | undefined>;
  /** The audience of JWTs for IamTokenService. @default derived from its address */
  audience?: string | undefined;
}

/** All services at one address, except the token service, whose address is derived from it. */
export function fixedEndpoints(address: string): Endpoints {
  return {
    operations: () => Promise.resolve(address),
    tokens: () => Promise.resolve(iamAddressOf(address) ?? address),
    service: () => Promise.resolve(address),
  };
}

/**
 * Gets the addresses from the cloud's ApiEndpointService, once an hour, and keeps the last good answer. Accepts only
 * addresses under the domain of that service, because calls to them carry a token.
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

  /** Finds the endpoint by the service's package. */
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
      // A poll would take NOT_FOUND for an unknown operation and end the wait.
      const isTold = err instanceof CallError && err.code !== statusCode('NOT_FOUND');
      const code = isTold ? err.code : statusCode('UNAVAILABLE');
      const reason = messageOf(err);
      const message = `${this.#address} does not list its endpoints: ${reason}`;
      throw new OperationServiceError(`Endpoints of ${this.#cloud}`, { code, message, neverSent: true });
    }
  }

  #check(id: string, address: string | undefined): string {
    const problem = this.#problem(address);
    if (address !== undefined && problem === undefined) return address;
    const fix = id === 'iam' ? 'give serviceAccountKey an iamEndpoint' : 'give the host in `endpoint` or `services`';
    throw new OperationServiceError(`Endpoints of ${this.#cloud}`, {
      code: statusCode('FAILED_PRECONDITION'),
      neverSent: true,
      message: `${this.#address} lists ${address === undefined ? 'none' : JSON.stringify(address.slice(0, 100))} for ${JSON.stringify(id)}${problem ?? ''}: ${fix}`,
    });
  }

  /** Why calls must not go to the address. */
  #problem(address: string | undefined): string | undefined {
    if (address === undefined) return undefined;
    try {
      checkAddress('address', address);
    } catch (err) {
      if (err instanceof OptionError) return ', which is not a host:port';
      throw err;
    }
    const [host, domain] = [hostOf(address), hostOf(this.#address)];
    if (host === domain || host.endsWith(`.${domain}`)) return undefined;
    if (isLoopback(address) && isLoopback(this.#address)) return undefined;
    return `, which is outside ${domain}, so tokens must not be sent there`;
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
  // An empty list must not replace a good one.
  if (found.size === 0) throw new CallError(statusCode('UNAVAILABLE'), 'its list is empty');
  return found;
}

/**
 * Ids of endpoints that may serve a proto service, most likely first: `yandex.cloud.mdb.kafka.v1.TopicService` is at
 * "mdb-kafka" or "managed-kafka". A package without an endpoint uses that of the enclosing package.
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

/** Normalises an id: some are spelt with hyphens, some without ("resource-manager", "resourcemanager"). */
function plain(id: string): string {
  return id.toLowerCase().replace(/[^a-z0-9]/g, '');
}
