import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { operationFailure, pollOperation, type OperationFailure } from 'temporal-lro';
import type { AnyJson, JsonObject, StartOptions, WaitOptions } from 'temporal-lro/workflow';
import { awaitOperation, executeOperation } from 'temporal-lro/workflow-definitions';
import type { InteropCloud } from './generated-code';
import { startInteropWorker, type InteropWorker } from './interop-worker';

/** A request as the cloud's own code read it. */
export interface ReceivedRequest {
  method: string;
  request: JsonObject;
  /** Headers that hold no secret. */
  values: Record<string, string>;
}

const DEFINITIONS = require.resolve('temporal-lro/workflow-definitions');

type Target = { method?: string; service?: string };

/** Waits and starts on the workflow types of the package, on a real worker and with the cloud's own encoder. */
export class Outcomes {
  private constructor(
    readonly cloud: InteropCloud,
    readonly interop: InteropWorker,
  ) {}

  static async start(cloud: InteropCloud, workflowsPath = DEFINITIONS): Promise<Outcomes> {
    return new Outcomes(cloud, await startInteropWorker(workflowsPath, cloud));
  }

  /** The response of an operation that somebody has started. */
  wait(operationId: string, options: Target & WaitOptions = {}): Promise<AnyJson> {
    return this.#await(operationId, options).then((handle) => handle.result());
  }

  /** Starts an operation and waits for its response. */
  execute(method: string, request: JsonObject, options: WaitOptions & StartOptions = {}): Promise<AnyJson> {
    const { client } = this.interop;
    const args: Parameters<typeof executeOperation> = [{ cloud: this.cloud, method, request, poll: QUICK, ...options }];
    return client.workflow.execute(executeOperation, { ...this.interop.workflow(), args });
  }

  /** Cancels a wait after its first poll. Resolves to the response, to the failure of the wait, or to 'cancelled'. */
  async cancelWait(
    operationId: string,
    options: Target & WaitOptions = {},
  ): Promise<AnyJson | OperationFailure | 'cancelled'> {
    const handle = await this.#await(operationId, options);
    await handle.executeUpdate(pollOperation);
    await handle.cancel();
    return handle
      .result()
      .catch((err: unknown) =>
        err instanceof WorkflowFailedError && err.cause instanceof CancelledFailure ? 'cancelled' : failureOf(err),
      );
  }

  /** The requests of a method, or all. */
  received(method?: string): ReceivedRequest[] {
    return this.interop.requests().filter((line): line is ReceivedRequest => isReceived(line, method));
  }

  stop(): Promise<void> {
    return this.interop.stop();
  }

  #await(
    operationId: string,
    options: Target & WaitOptions,
  ): Promise<WorkflowHandle<(...args: Parameters<typeof awaitOperation>) => Promise<AnyJson>>> {
    const { client } = this.interop;
    const args: Parameters<typeof awaitOperation> = [{ cloud: this.cloud, operationId, poll: QUICK, ...options }];
    return client.workflow.start(awaitOperation, { ...this.interop.workflow(), args });
  }
}

const QUICK = { initialInterval: '20 ms' } as const;

/** Takes waits that last for seconds, so that other tests can run in the meantime. A test awaits each of them later. */
export function inTheMeantime<T extends Record<string, Promise<unknown>>>(waits: T): T {
  for (const wait of Object.values(waits)) wait.catch(() => undefined);
  return waits;
}

/** The failure with which a promise rejects. */
export function failing(promise: Promise<unknown>): Promise<OperationFailure> {
  return promise.then((value) => Promise.reject(new Error(`It succeeded with ${JSON.stringify(value)}`)), failureOf);
}

function failureOf(err: unknown): OperationFailure {
  const failure = operationFailure(err);
  if (!failure) throw err;
  return failure;
}

function isReceived(line: unknown, method: string | undefined): boolean {
  return (
    typeof line === 'object' && line !== null && 'method' in line && (method === undefined || line.method === method)
  );
}
