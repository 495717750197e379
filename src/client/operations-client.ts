import { randomUUID } from 'crypto';
import { checked } from '../model/failure';
import { checkIdempotencyKey, checkOperationId, type WaitOptions } from '../model/options';
import type { AnyJson, JsonObject, OperationSnapshot } from '../model/snapshot';
import { Cloud } from '../cloud/cloud';
import type { CloudOptions } from '../cloud/options';
import { waitUntilDone } from './wait';

/** Options of one call. */
export interface CallOptions {
  /** Ends the call on this side; the operation goes on in the cloud. */
  signal?: AbortSignal;
}

/** How a cloud is named in the snapshots of a client that knows only one. */
const CLOUD_NAME = 'default';

/** Operations of one cloud for plain Node programs, without Temporal. */
export class OperationsClient {
  readonly #cloud: Cloud;

  private constructor(cloud: Cloud) {
    this.#cloud = cloud;
  }

  /**
   * Checks the options, and throws an `OperationConfigurationError` for those that cannot work. The connection is made at
   * the first call and kept until {@link close}.
   */
  static connect(cloud: CloudOptions): OperationsClient {
    return new OperationsClient(new Cloud(CLOUD_NAME, cloud));
  }

  /**
   * The operation as it is now. Rejects with an OperationServiceError, or an `OperationConfigurationError` for what is no
   * operation id.
   */
  async get(operationId: string, { signal }: CallOptions = {}): Promise<OperationSnapshot> {
    return (await this.#cloud.get(this.#checked(checkOperationId, operationId), signal)).operation;
  }

  /**
   * Asks the cloud to cancel the operation and returns its state at that moment. Best effort: it may complete all the
   * same, and some services refuse. Rejects as {@link get} does.
   */
  async cancel(operationId: string, { signal }: CallOptions = {}): Promise<OperationSnapshot> {
    return (await this.#cloud.cancel(this.#checked(checkOperationId, operationId), signal)).operation;
  }

  /**
   * Starts an operation: `method` is `/package.Service/Method` of the descriptors, `request` its canonical JSON, which is
   * checked before anything is sent. One call: after an error of transport the same `idempotencyKey` again gives the
   * operation that was begun, if one was. @default idempotencyKey a random UUID. Rejects with an OperationServiceError,
   * or an `OperationConfigurationError` for what cannot be sent.
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
   * Waits until the operation is done and returns its response, by the schedule and the rules of a wait in a workflow:
   * trouble in transit does not end it. `poll.by` makes no difference here. Rejects with an Error that `operationFailure`
   * reads, of the same types as in a workflow: a poll that the cloud refuses in the first minute is one of type
   * `OperationServiceError`. When `signal` aborts, with its reason; the operation goes on. Of this process only: a wait
   * that must survive it belongs in a workflow.
   */
  async wait(
    operationId: string,
    { signal, ...options }: CallOptions & Pick<WaitOptions, 'timeout' | 'poll' | 'onRollback'> = {},
  ): Promise<AnyJson> {
    return waitUntilDone(this.#cloud, operationId, options, signal);
  }

  /** Closes the connections. Calls that are under way, and waits at their next poll, are not ended by it. */
  close(): void {
    this.#cloud.close();
  }

  #checked<T>(check: (value: unknown) => T, value: unknown): T {
    return checked(() => check(value), { cloud: this.#cloud.name });
  }
}
