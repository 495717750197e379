import { randomUUID } from 'crypto';
import { checked } from '../model/failure';
import { checkIdempotencyKey, checkOperationId, type WaitOptions } from '../model/options';
import type { AnyJson, JsonObject, OperationSnapshot } from '../model/snapshot';
import { Cloud } from '../cloud/cloud';
import type { CloudOptions } from '../cloud/options';
import { waitUntilDone } from './wait';

/** Options of one call. */
export interface CallOptions {
  /** Aborts the call on the client; the operation continues in the cloud. */
  signal?: AbortSignal;
}

/** Options of a call about one operation. */
export interface OperationCallOptions extends CallOptions {
  /**
   * The proto service or package that started the operation, or the path of the method: where an API has no host for all
   * operations, it says which host has this one.
   */
  service?: string;
}

/** The cloud name in snapshots: a client has only one cloud, and it has no name. */
const CLOUD_NAME = 'default';

/** A client for the operations of one cloud in plain Node programs, without Temporal. */
export class OperationsClient {
  readonly #cloud: Cloud;

  private constructor(cloud: Cloud) {
    this.#cloud = cloud;
  }

  /**
   * Checks the options and throws an `OperationConfigurationError` if they are invalid. The client connects at the
   * first call and keeps the connection until {@link close}.
   */
  static connect(cloud: CloudOptions): OperationsClient {
    return new OperationsClient(new Cloud(CLOUD_NAME, cloud));
  }

  /**
   * Gets the current state of the operation. Rejects with an OperationServiceError, or with an
   * `OperationConfigurationError` for an invalid operation id.
   */
  async get(operationId: string, { signal, service }: OperationCallOptions = {}): Promise<OperationSnapshot> {
    const ref = { operationId: this.#checked(checkOperationId, operationId), service };
    return (await this.#cloud.get(ref, signal)).operation;
  }

  /**
   * Asks the cloud to cancel the operation and returns its state at that moment. Best effort: the operation may still
   * complete, and some services refuse to cancel. Rejects like {@link get}.
   */
  async cancel(operationId: string, { signal, service }: OperationCallOptions = {}): Promise<OperationSnapshot> {
    const ref = { operationId: this.#checked(checkOperationId, operationId), service };
    return (await this.#cloud.cancel(ref, signal)).operation;
  }

  /**
   * Starts an operation. `method` is `/package.Service/Method` from the descriptors; `request` is its canonical JSON,
   * which is checked before it is sent. Makes one call and does not retry: after a transport error, call again with the
   * same `idempotencyKey` to get the operation if it was started. Rejects with an OperationServiceError, or with an
   * `OperationConfigurationError` for an invalid method or request. @default idempotencyKey a random UUID
   */
  async start(
    method: string,
    request: JsonObject,
    { signal, idempotencyKey = randomUUID() }: CallOptions & { idempotencyKey?: string } = {},
  ): Promise<OperationSnapshot> {
    return (await this.#cloud.start(method, request, this.#checked(checkIdempotencyKey, idempotencyKey), signal))
      .operation;
  }

  /**
   * Calls a unary method that starts no operation, and returns its reply as canonical JSON: values that it cannot express
   * are null. Makes one call and does not retry. Rejects with an OperationServiceError, with an
   * `OperationConfigurationError` for an invalid method or request, or with `OperationUnreadable` for a reply that cannot
   * be decoded.
   */
  async call(method: string, request: JsonObject, { signal }: CallOptions = {}): Promise<JsonObject> {
    const call = this.#cloud.prepare(method, request);
    const key = call.effect === 'change' ? { key: randomUUID() } : {};
    return (await this.#cloud.call(call, { ...key, signal })).reply;
  }

  /**
   * Waits until the operation is done and returns its response. Polls on the same schedule as a workflow and retries
   * transient errors; `poll.by` has no effect here. Rejects with an error that `operationFailure` reads, of the same
   * types as in a workflow: if the cloud refuses a poll in the first minute, the type is `OperationServiceError`. If
   * `signal` aborts, rejects with its reason; the operation continues. The wait ends with this process: use a workflow
   * for a wait that must survive it.
   */
  async wait(
    operationId: string,
    { signal, service, ...options }: OperationCallOptions & Pick<WaitOptions, 'timeout' | 'poll' | 'onRollback'> = {},
  ): Promise<AnyJson> {
    return waitUntilDone(this.#cloud, { operationId, service }, options, signal);
  }

  /** Closes the connections. Calls in flight finish; a wait reconnects at its next poll. */
  close(): void {
    this.#cloud.close();
  }

  #checked<T>(check: (value: unknown) => T, value: unknown): T {
    return checked(() => check(value), { cloud: this.#cloud.name });
  }
}
