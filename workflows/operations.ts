// Entry 'temporal-lro/workflow': helpers for workflow code. It runs in the sandbox, so nothing here may reach grpc-js,
// protobuf or a Node builtin, and nothing has to be registered. Workflow types are in 'temporal-lro/workflow-definitions'.
import type { OperationMethod } from '../src/model/method';
import {
  onlyKeys,
  plainObject,
  resolveWaitOptions,
  WAIT_OPTION_KEYS,
  type ResolvedWaitOptions,
  type WaitOptions,
} from '../src/model/options';
import type { AnyJson } from '../src/model/snapshot';
import { getOnce } from './activities';
import { cancelNow } from './cancel';
import { reported } from './failures';
import { typedOutcome, typedResponse, typedSnapshot, type OperationHandle } from './handle';
import { resolveTarget, type Target } from './target';
import { beginWait } from './state';
import { OperationWait } from './wait';

export { operationFailure, type OperationFailure } from '../src/model/failure';
export type { CancelOutcome } from './cancel';
export type { OperationHandle } from './handle';
export type { OperationMethod } from '../src/model/method';
export { operationWorkflowId } from '../src/model/names';
export { operationProgress, type OperationProgress } from '../src/model/progress';
export { operationSearchAttributes } from '../src/model/search-attributes';
export type { WaitOptions } from '../src/model/options';
export type { AnyJson, JsonObject, OperationSnapshot, OperationStatus } from '../src/model/snapshot';
export { operationScope } from './scope';
export { operationChanged, operationQuery, pollOperation } from './messages';

export interface OperationsOptions extends WaitOptions {
  /** The task queue of a worker that configures the cloud. @default the workflow's own */
  taskQueue?: string;
}

/** The operations of one cloud, for workflow code. */
export interface Operations {
  /**
   * Waits until the operation is done, across restarts and for any length of time, and returns its response. Throws an
   * ApplicationFailure otherwise: see {@link operationFailure}.
   */
  wait<R = AnyJson, M = AnyJson>(
    operationId: string,
    options?: WaitOptions & { method?: OperationMethod<unknown, R, M> },
  ): Promise<R>;
  /** A handle of an operation that somebody else started. Nothing is sent until one of its methods is called. */
  getHandle<R = AnyJson, M = AnyJson>(
    operationId: string,
    method?: OperationMethod<unknown, R, M>,
  ): OperationHandle<R, M>;
}

/**
 * The operations of the cloud that the worker configures under that name. `options` are the defaults of every wait.
 * Wrong options are typed failures of the calls, never of the workflow task.
 */
export function operations(cloud: string, options?: OperationsOptions): Operations {
  const target = (operationId: string, method: unknown): Target =>
    resolveTarget(cloud, operationId, checkDefaults(options).taskQueue, method);
  const wait = async <R>(operationId: string, given: unknown, ofHandle?: unknown): Promise<R> =>
    reported({ cloud, operationId }, async () => {
      const { method = ofHandle, ...own } = plainObject('options', given ?? {});
      const resolved = resolveOptions(options, own);
      const wait = new OperationWait(target(operationId, method), resolved, beginWait(), 'activityRetry');
      return typedResponse<R>((await wait.run()).response);
    });
  return {
    wait: (operationId, given) => wait(operationId, given),
    getHandle: (operationId, method) => ({
      operationId,
      get: () =>
        reported({ cloud, operationId }, async () =>
          typedSnapshot((await getOnce(target(operationId, method))).operation),
        ),
      result: (given) => wait(operationId, given, method),
      cancel: (given) =>
        reported({ cloud, operationId }, async () => {
          const own = plainObject('options', given ?? {});
          onlyKeys('', own, ['cancelTimeout']);
          return typedOutcome(await cancelNow(target(operationId, method), resolveOptions(options, own)));
        }),
    }),
  };
}

function checkDefaults(defaults: unknown): Record<string, unknown> {
  const given = plainObject('options', defaults ?? {});
  onlyKeys('', given, [...WAIT_OPTION_KEYS, 'taskQueue']);
  return given;
}

/** The options of one wait over the defaults of the cloud; throws an OptionError. */
function resolveOptions(defaults: unknown, own: Record<string, unknown>): ResolvedWaitOptions {
  const { taskQueue: _, ...shared } = checkDefaults(defaults);
  const poll = { ...plainObject('poll', shared.poll ?? {}), ...plainObject('poll', own.poll ?? {}) };
  return resolveWaitOptions({ ...shared, ...own, poll });
}
