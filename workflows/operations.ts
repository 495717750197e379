// Entry 'temporal-lro/workflow': helpers for workflow code. They run in the sandbox, so nothing here may import
// grpc-js, protobuf or a Node builtin. Nothing has to be registered. Workflow types are in
// 'temporal-lro/workflow-definitions'.
import type { OperationMethod, UnaryMethod } from '../src/model/method';
import { UNTIL_OPTION_KEYS, type Match, type UntilOptions } from '../src/model/match';
import type { UnaryCallOptions } from '../src/model/unary-call';
import {
  resolveStartOptions,
  resolveWaitOptions,
  WAIT_OPTION_KEYS,
  type ResolvedWaitOptions,
  type StartOptions,
  type WaitOptions,
} from '../src/model/options';
import { isNil, onlyKeys, plainObject } from '../src/model/check';
import { isDone, type AnyJson, type JsonObject, type OperationSnapshot } from '../src/model/snapshot';
import { getOnce } from './activities';
import { callMethod, resolveCall } from './call';
import { cancelNow } from './cancel';
import { withCallerFailure, retryable } from './failures';
import {
  shareFirstCall,
  typedReply,
  typedOutcome,
  typedResponse,
  typedSnapshot,
  type OperationHandle,
  type StartedOperation,
} from './handle';
import { registerInScope, registerQuietlyInScope } from './scope';
import { OperationStart, resolveStart } from './start';
import { ResourceWait } from './resource-wait';
import { knownStart, resolveResource, resolveTarget, type KnownStart, type Target } from './target';
import { beginWait } from './state';
import { OperationWait } from './operation-wait';

export { operationFailure, type OperationFailure } from '../src/model/failure';
export type { CancelOutcome } from './cancel';
export type { OperationHandle, StartedOperation } from './handle';
export type { OperationMethod, UnaryMethod } from '../src/model/method';
export { operationWorkflowId } from '../src/model/names';
export { operationProgress, type OperationProgress } from '../src/model/progress';
export { operationSearchAttributes } from '../src/model/names';
export type { StartOptions, WaitOptions } from '../src/model/options';
export type { Match, ShownResource, UntilOptions } from '../src/model/match';
export type { UnaryCallOptions } from '../src/model/unary-call';
export type { AnyJson, JsonObject, OperationSnapshot, OperationStatus, ShownOperation } from '../src/model/snapshot';
export { operationScope } from './scope';
export {
  operationChanged,
  operationQuery,
  pollOperation,
  pollResource,
  resourceChanged,
  resourceQuery,
} from './messages';

export interface OperationsOptions extends WaitOptions {
  /** The task queue of a worker that configures the cloud. @default the workflow's own */
  taskQueue?: string;
}

/** The operations of one cloud, for workflow code. */
export interface Operations {
  /**
   * Starts an operation exactly once, even across crashes, waits until it is done and returns its response. `method` is
   * a generated constant or a path; `request` is the request as JSON. Throws an ApplicationFailure if the start or the
   * operation fails: see {@link operationFailure}. The failure is retryable if the operation failed with a transient
   * code, such as UNAVAILABLE.
   */
  execute<Q = JsonObject, R = AnyJson, M = AnyJson>(
    method: OperationMethod<Q, R, M> | string,
    request: NoInfer<Q>,
    options?: WaitOptions & StartOptions,
  ): Promise<R>;
  /**
   * Starts an operation exactly once, even across crashes, and returns when the cloud has accepted it. Nothing polls it
   * until `result()` is called.
   */
  start<Q = JsonObject, R = AnyJson, M = AnyJson>(
    method: OperationMethod<Q, R, M> | string,
    request: NoInfer<Q>,
    options?: StartOptions,
  ): Promise<StartedOperation<R, M>>;
  /**
   * Waits until the operation is done and returns its response. The wait survives restarts and may last any time.
   * Throws an ApplicationFailure if the operation does not succeed: see {@link operationFailure}. Where an API has no host
   * for all operations, `method` or `service` (a proto service or package) says whose host has this one.
   */
  wait<R = AnyJson, M = AnyJson>(
    operationId: string,
    options?: WaitOptions & { method?: OperationMethod<unknown, R, M>; service?: string },
  ): Promise<R>;
  /** Returns a handle to an operation started elsewhere. Sends nothing until one of the handle's methods is called. */
  getHandle<R = AnyJson, M = AnyJson>(
    operationId: string,
    method?: OperationMethod<unknown, R, M>,
  ): OperationHandle<R, M>;
  /**
   * Calls a unary method that starts no operation, and returns its reply. Retries transient errors until `timeout`.
   * Throws an `OperationServiceError` if the cloud refuses. A method that changes something is sent with an idempotency
   * key; where the cloud has none, it is not repeated after an error that leaves its outcome unknown. Cancelling the
   * scope gives up a read at once; a change that was sent is awaited, and its reply is returned.
   */
  call<Q = JsonObject, R = JsonObject>(
    method: UnaryMethod<Q, R> | string,
    request: NoInfer<Q>,
    options?: UnaryCallOptions,
  ): Promise<R>;
  /**
   * Calls a reading method until its reply matches, by the schedule of a wait, and returns that reply. Use it for
   * resources that become ready only after their operation is done, and for those that have none. `match: 'absent'` waits
   * until the method answers NOT_FOUND. Throws a `ResourceConditionFailed` when a reply matches `fail`, and a
   * `ResourceConditionTimedOut` when `timeout` is over; both have the last reply. NOT_FOUND before the first reply is
   * waited out if there is a timeout; otherwise, and after a reply, it soon is an `OperationNotFound`.
   */
  until<Q = JsonObject, R = JsonObject>(
    method: UnaryMethod<Q, R> | string,
    request: NoInfer<Q>,
    options: UntilOptions<NoInfer<R>> & { match: Match<NoInfer<R>> },
  ): Promise<R>;
  until<Q = JsonObject, R = JsonObject>(
    method: UnaryMethod<Q, R> | string,
    request: NoInfer<Q>,
    options: UntilOptions<NoInfer<R>> & { match: 'absent' },
  ): Promise<undefined>;
}

/**
 * Returns the operations of `cloud`, the name under which a worker configures it. `options` are the defaults of every
 * wait. Invalid options fail the call with a typed failure, never the workflow task.
 */
export function operations(cloud: string, options?: OperationsOptions): Operations {
  const target = (operationId: string, known: KnownStart): Target =>
    resolveTarget(cloud, operationId, checkDefaults(options).taskQueue, known);
  const wait = <R>(
    operationId: string,
    given: unknown,
    known: KnownStart = {},
    operation?: OperationSnapshot,
  ): Promise<R> =>
    withCallerFailure({ cloud, operationId }, async () => {
      const { method, service, ...own } = plainObject('options', given ?? {});
      const state = { ...beginWait(), ...(operation && { operation }) };
      // An operation that is done is never polled, so its id need not be valid.
      const isOver = operation !== undefined && isDone(operation);
      const on = isOver
        ? { cloud, operationId }
        : target(operationId, { ...known, method: method ?? known.method, service: service ?? known.service });
      const wait = new OperationWait(on, resolveOptions(options, own), state, 'activityRetry');
      return typedResponse<R>((await wait.run()).response);
    });
  const handle = <R, M>(
    operationId: string,
    known: KnownStart,
    started?: OperationSnapshot,
  ): OperationHandle<R, M> => ({
    operationId,
    get: () =>
      registerQuietlyInScope(() =>
        withCallerFailure({ cloud, operationId }, async () =>
          typedSnapshot((await getOnce(target(operationId, known))).operation),
        ),
      ),
    result: (given) => registerInScope(() => wait(operationId, given, known)),
    cancel: (given) =>
      registerQuietlyInScope(() =>
        withCallerFailure({ cloud, operationId }, async () => {
          const own = plainObject('options', given ?? {});
          onlyKeys('', own, ['cancelTimeout']);
          return typedOutcome(await cancelNow(target(operationId, known), resolveOptions(options, own), started));
        }),
      ),
  });
  const start = async (
    method: unknown,
    request: unknown,
    startOptions: Record<string, unknown>,
    own: Record<string, unknown>,
  ): Promise<OperationSnapshot> => {
    const resolved = resolveStartOptions(startOptions);
    const given = resolveStart(cloud, method, request, checkDefaults(options).taskQueue, resolved);
    return new OperationStart(given, resolved, resolveOptions(options, own)).run();
  };
  return {
    execute: (method, request, given) =>
      registerInScope(() =>
        withCallerFailure({ cloud }, async () => {
          const { own, startOptions } = splitOptions(given);
          const operation = await start(method, request, startOptions, own);
          return retryable(() => wait(operation.id, own, knownStart(method, operation), operation));
        }),
      ),
    start: (method, request, given) => {
      const share = shareFirstCall();
      return registerInScope(() =>
        withCallerFailure({ cloud }, async () => {
          const operation = await start(method, request, plainObject('options', given ?? {}), {});
          return {
            ...handle(operation.id, knownStart(method, operation), operation),
            operation: typedSnapshot(operation),
            result: share((own?: WaitOptions) => wait(operation.id, own, knownStart(method, operation), operation)),
          };
        }),
      );
    },
    wait: (operationId, given) => registerInScope(() => wait(operationId, given)),
    getHandle: (operationId, method) => handle(operationId, { method }),
    call: (method, request, given) =>
      registerQuietlyInScope(() =>
        withCallerFailure({ cloud, method }, async () =>
          typedReply(await callMethod(resolveCall(cloud, method, request, checkDefaults(options).taskQueue, given))),
        ),
      ),
    until: (method: unknown, request: unknown, given: unknown) =>
      registerQuietlyInScope(() =>
        withCallerFailure({ cloud, method }, async () => {
          const { match, fail, ...own } = plainObject('options', given);
          onlyKeys('', own, UNTIL_OPTION_KEYS);
          const on = resolveResource(cloud, method, request, { match, fail }, checkDefaults(options).taskQueue);
          return typedReply(
            await new ResourceWait(on, resolveOptions(options, own), beginWait(), 'activityRetry').run(),
          );
        }),
      ),
  };
}

function checkDefaults(defaults: unknown): Record<string, unknown> {
  const given = plainObject('options', defaults ?? {});
  onlyKeys('', given, [...WAIT_OPTION_KEYS, 'taskQueue']);
  return given;
}

/** Merges the options of one wait over the defaults of the cloud. Throws an OptionError for invalid ones. */
function resolveOptions(defaults: unknown, own: Record<string, unknown>): ResolvedWaitOptions {
  const { taskQueue: _, ...shared } = checkDefaults(defaults);
  const poll = { ...plainObject('poll', shared.poll ?? {}), ...withoutLeftOut(plainObject('poll', own.poll ?? {})) };
  return resolveWaitOptions({ ...shared, ...withoutLeftOut(own), poll });
}

/** Drops undefined and null, so that they do not override a default. */
function withoutLeftOut(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => !isNil(value)));
}

/** Splits the options of `execute` into those of the start and those of the wait. */
function splitOptions(options: unknown): { startOptions: Record<string, unknown>; own: Record<string, unknown> } {
  const { idempotencyKey, startTimeout, ...own } = plainObject('options', options ?? {});
  return { startOptions: { idempotencyKey, startTimeout }, own };
}
