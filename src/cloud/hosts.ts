import type { Endpoints } from '../apis/discovery';
import type { DescriptorRegistry } from '../descriptors/registry';
import { operationMethods } from '../descriptors/operation-method';
import { configurationError } from '../model/failure';
import type { ResolvedCloudOptions } from './options';

/** An operation, and what is known of its start. */
export interface OperationRef {
  operationId: string;
  /** The path of the method that started it, whose response type the caller expects. */
  method?: string | undefined;
  /** The path of the method, or the proto service or package, that started it. @default that of `method` */
  service?: string | undefined;
  /** The resource that it works on, from the reply to the start. */
  resourceId?: string | undefined;
}

/** The most hosts that an error message lists. */
const MAXIMUM_LISTED = 20;

/**
 * Where the calls of one cloud go. A request never names a host: hosts are in the worker's configuration, or follow from
 * the API and the descriptors. Methods reject with an `OperationConfigurationError` if there is no host, or more than one.
 */
export class Hosts {
  readonly #cloud: string;
  readonly #options: Pick<ResolvedCloudOptions, 'api' | 'services'>;
  readonly #registry: DescriptorRegistry;
  /** Undefined if each service has a host of its own. */
  readonly #endpoints: Endpoints | undefined;
  #all: string[] | undefined;

  constructor(
    cloud: string,
    options: Pick<ResolvedCloudOptions, 'api' | 'services'>,
    registry: DescriptorRegistry,
    endpoints?: Endpoints,
  ) {
    this.#cloud = cloud;
    this.#options = options;
    this.#registry = registry;
    this.#endpoints = endpoints;
  }

  /** The address that has an operation. */
  async ofOperation({ operationId, method, service = method }: OperationRef, signal?: AbortSignal): Promise<string> {
    if (this.#endpoints) return this.#endpoints.operations(signal);
    const name = service === undefined ? undefined : serviceOf(service);
    const hosts = name === undefined ? this.#every() : this.#hostsOf(name);
    const [host, ...others] = hosts;
    if (host !== undefined && others.length === 0) return host;
    const whose = name ?? 'the service that started the operation';
    const problem =
      host === undefined
        ? `no host is known for ${whose}: ${HOW_TO_KNOW}`
        : `several hosts may have the operation ${JSON.stringify(operationId)}: ${listed(hosts)}. Give the ${name === undefined ? '`method` or the `service`' : 'method, or the full name of the service,'} that started it`;
    throw configurationError(this.#cloud, `service: ${problem}`, operationId);
  }

  /** The address of a service whose methods are called. */
  async ofService(name: string, signal?: AbortSignal): Promise<string> {
    const configured = this.#configured(name);
    if (configured !== undefined) return configured;
    if (this.#endpoints) {
      const address = await this.#endpoints.service(name, signal);
      if (address !== undefined) return address;
      const problem = `services: the cloud lists no endpoint for ${name}: give its host:port, or that of its package`;
      throw configurationError(this.#cloud, problem);
    }
    const [host, ...others] = this.#hostsOf(name);
    if (host !== undefined && others.length === 0) return host;
    const problem =
      host === undefined ? HOW_TO_KNOW : `it is one of ${listed([host, ...others])}: give it in \`services\``;
    throw configurationError(this.#cloud, `services: no host is known for ${name}: ${problem}`);
  }

  /** The address that `services` gives a service or a package: that of the longest name. */
  #configured(service: string): string | undefined {
    for (let name = service; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
      const address = this.#options.services.get(name);
      if (address !== undefined) return address;
    }
    return undefined;
  }

  /** The possible addresses of a service, or of all services of a package. */
  #hostsOf(name: string): string[] {
    const configured = this.#configured(name);
    if (configured !== undefined) return [configured];
    const service = this.#registry.getService(name);
    if (service) return unique(this.#options.api.hostsOf?.(name, service) ?? []);
    const below = [...this.#registry.services()].map(({ typeName }) => typeName).filter((one) => isBelow(one, name));
    const within = [...this.#options.services].filter(([one]) => isBelow(one, name)).map(([, address]) => address);
    const known = [...within, ...below.flatMap((one) => this.#hostsOf(one))];
    return unique(known.length > 0 ? known : (this.#options.api.hostsOf?.(name) ?? []));
  }

  /** The addresses of all services that start operations. */
  #every(): string[] {
    this.#all ??= unique([
      ...this.#options.services.values(),
      ...[...this.#registry.services()]
        .filter((service) => operationMethods(this.#registry, service, [this.#options.api.starts]).length > 0)
        .flatMap(({ typeName }) => this.#hostsOf(typeName)),
    ]);
    return this.#all;
  }
}

const HOW_TO_KNOW = 'add the descriptor set that has the service to `descriptors`, or give its host:port in `services`';

/** The service in the path of a method; a name as it is. */
function serviceOf(name: string): string {
  return name.replace(/^\//, '').replace(/\/.*$/, '');
}

function isBelow(name: string, packageName: string): boolean {
  return name.startsWith(`${packageName}.`);
}

function unique(hosts: readonly string[]): string[] {
  return [...new Set(hosts)].sort();
}

function listed(hosts: readonly string[]): string {
  const shown = hosts.slice(0, MAXIMUM_LISTED).join(', ');
  return hosts.length > MAXIMUM_LISTED ? `${shown} and ${hosts.length - MAXIMUM_LISTED} more` : shown;
}
