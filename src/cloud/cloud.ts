import { Metadata } from '@grpc/grpc-js';
import { loadDescriptors } from '../descriptors/load';
import type { DescriptorRegistry } from '../descriptors/registry';
import { POLL_INTERVAL_HEADER } from '../model/names';
import type { OperationSnapshot } from '../model/snapshot';
import { statusCode } from '../model/status-code';
import { operationName } from '../model/texts';
import { CallError, Channel, type Reply } from './channel';
import { CANCEL, decodeOperation, GET, type OperationCall } from './envelope';
import { OperationServiceError } from './error';
import { Limiter } from './limiter';
import { resolveCloudOptions, type CloudOptions, type ResolvedCloudOptions } from './options';
import { toSnapshot } from './snapshot';

/** An operation, and how long the server asked to wait before the next poll. */
export interface Polled {
  operation: OperationSnapshot;
  hintMs?: number;
}

/**
 * One configured cloud: its connection, its calls, and what its replies mean. Calls reject with an
 * OperationServiceError, or with an `OperationUnreadable` failure for an operation that ended against the contract.
 */
export class Cloud {
  readonly registry: DescriptorRegistry;
  readonly #options: ResolvedCloudOptions;
  readonly #channel: Channel;
  readonly #limiter: Limiter;

  /** Throws an OptionError or a DescriptorError for options that cannot work. Connects at the first call. */
  constructor(
    readonly name: string,
    options: CloudOptions,
  ) {
    this.#options = resolveCloudOptions(options);
    this.#limiter = new Limiter(this.#options.maxConcurrentRequests, this.#options.maxRequestsPerSecond);
    this.registry = loadDescriptors(this.#options.descriptors);
    const { endpoint, channelCredentials, serverName } = this.#options;
    this.#channel = new Channel(
      endpoint,
      channelCredentials,
      serverName ? { 'grpc.ssl_target_name_override': serverName } : {},
    );
  }

  /** Whether short intervals are slept in the worker. */
  get watch(): boolean {
    return this.#options.watch;
  }

  /** One poll. */
  get(operationId: string, signal?: AbortSignal): Promise<Polled> {
    return this.#call('Get', GET, operationId, signal);
  }

  /** Asks the cloud to cancel; what comes back is the state at that moment. */
  cancel(operationId: string, signal?: AbortSignal): Promise<Polled> {
    return this.#call('Cancel', CANCEL, operationId, signal);
  }

  close(): void {
    this.#channel.close();
  }

  async #call(verb: string, call: OperationCall, operationId: string, signal: AbortSignal = NEVER): Promise<Polled> {
    const what = `${verb} of ${operationName(this.name, operationId)}`;
    const metadata = new Metadata();
    const token = await this.#options.credentials?.getToken(signal);
    if (token) metadata.set('authorization', `Bearer ${token.token}`);
    const { requestTimeoutMs } = this.#options;
    let reply: Reply;
    try {
      reply = await this.#limiter.run(
        () => this.#channel.unary(call.path, call.encode(operationId), metadata, requestTimeoutMs, signal),
        signal,
      );
    } catch (err) {
      if (err instanceof CallError) throw OperationServiceError.from(what, err.error, err.headers, this.registry);
      throw err;
    }
    return this.#read(what, operationId, reply);
  }

  #read(what: string, operationId: string, { body, headers }: Reply): Polled {
    const garbled = (problem: string): OperationServiceError =>
      new OperationServiceError(what, { code: statusCode('INTERNAL'), message: `the reply ${problem}` });
    let raw;
    try {
      raw = decodeOperation(body);
    } catch (err) {
      throw garbled(`is no Operation (${err instanceof Error ? err.message : String(err)})`);
    }
    if (raw.id !== operationId) throw garbled(`is about another operation, ${JSON.stringify(raw.id.slice(0, 100))}`);
    const operation = toSnapshot(this.name, raw, this.registry);
    const seconds = Number(headers?.get(POLL_INTERVAL_HEADER)[0]);
    return seconds > 0 ? { operation, hintMs: seconds * 1000 } : { operation };
  }
}

const NEVER = new AbortController().signal;
