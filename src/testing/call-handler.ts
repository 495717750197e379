import { statusCode } from '../model/snapshot';
import { bytesToJson } from '../descriptors/any-to-json';
import { findOperationMethod } from '../descriptors/operation-method';
import type { DescriptorRegistry } from '../descriptors/registry';
import { IDEMPOTENCY_KEY_HEADER } from '../model/names';
import { OptionError } from '../model/check';
import { type CheckedEffect, type CheckedScript, checkEffect, checkScript } from './check-script';
import { OPERATION_METHODS, readRequestedId } from './envelope';
import { callFailure, spoil } from './faults';
import type { FaultEffect, Script } from './script';
import type { ScriptedOperations } from './scripted-operations';
import type { IncomingCall, OutgoingReply } from './server';

/** A call that a FakeCloud received. */
export interface FakeCloudCall {
  /** `/package.Service/Method` */
  method: string;
  /** Epoch milliseconds, by the FakeCloud's `now`. */
  at: number;
  /** The id in the request of Get or Cancel. */
  operationId?: string;
  /** The header names, sorted. Values are left out, since they may be secret. */
  headers: readonly string[];
}

/**
 * Sees a call before it is answered, and may return a fault. `count` numbers the calls of one method and id, from 1.
 */
export type Interceptor = (call: { method: string; operationId?: string; count: number }) => FaultEffect | undefined;

/** Answers and records the calls that a FakeCloud receives. */
export class CallHandler {
  readonly calls: FakeCloudCall[] = [];
  readonly interceptors: Interceptor[] = [];
  /** By path. */
  readonly methods = new Map<string, StartMethod>();
  readonly #registry: DescriptorRegistry;
  readonly #operations: ScriptedOperations;
  readonly #now: () => number | Promise<number>;
  readonly #counts = new Map<string, number>();

  constructor(registry: DescriptorRegistry, operations: ScriptedOperations, now: () => number | Promise<number>) {
    this.#registry = registry;
    this.#operations = operations;
    this.#now = now;
  }

  /** Answers a call. Rejects with the CallFailure that the caller is to get. */
  async answer(call: IncomingCall): Promise<OutgoingReply> {
    const { path, headerNames: headers } = call;
    const at = await this.#now();
    const verb = OPERATION_METHODS.get(path);
    if (!verb) {
      this.calls.push({ method: path, at, headers });
      const fault = this.#intercepted({ method: path });
      return spoil(fault, () => this.#start(call, at), this.#registry, call.signal);
    }
    const operationId = readRequestedId(call.body);
    this.calls.push({ method: path, at, operationId, headers });
    const operation = this.#operations.find(operationId);
    const fault =
      this.#intercepted({ method: path, operationId }) ?? (operation && this.#operations.nextFault(operation, verb));
    const work = (): Promise<OutgoingReply> => {
      if (!operation) throw this.#notFound(operationId);
      return verb === 'Get' ? this.#operations.get(operation, at) : this.#operations.cancel(operation, at);
    };
    return spoil(fault, work, this.#registry, call.signal);
  }

  #intercepted(call: { method: string; operationId?: string }): CheckedEffect | undefined {
    const key = `${call.method} ${call.operationId}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    for (const interceptor of this.interceptors) {
      const effect = interceptor({ ...call, count });
      if (effect !== undefined) return checkEffect('what intercept() got', effect);
    }
    return undefined;
  }

  #start(call: IncomingCall, at: number): Promise<OutgoingReply> {
    const key = call.header(IDEMPOTENCY_KEY_HEADER);
    const started = key === undefined ? undefined : this.#operations.startedBy(call.path, key);
    if (started) return this.#operations.reply(started, at);
    const script = this.methods.get(call.path)?.script(call.body);
    if (!script) throw new Error('it has no reply');
    if ('refuse' in script) throw callFailure(script.refuse, this.#registry);
    return this.#operations.reply(this.#operations.begin(script, at, { method: call.path, key }), at);
  }

  #notFound(id: string): Error {
    return callFailure({ code: statusCode('NOT_FOUND'), message: `Operation ${id} not found` }, this.#registry);
  }
}

/** A method for which a reply is set. */
export interface StartMethod {
  /** With the leading slash. */
  path: string;
  /** Returns the checked script for a request. Throws if the reply throws or its script is invalid. */
  script(request: Uint8Array): CheckedScript;
}

/** Throws an OptionError if no descriptor has the method at `path`, or if the method does not return an operation. */
export function startMethod<Q, R, M>(
  path: string,
  reply: (request: Q) => Script<R, M>,
  registry: DescriptorRegistry,
): StartMethod {
  const found = findOperationMethod(registry, path);
  if (typeof found === 'string') {
    throw new OptionError('method', path, `${found} (FakeCloud.start takes \`descriptors\`)`);
  }
  const { method, responseType, metadataType } = found;
  return {
    path: found.path,
    script(request) {
      const json: unknown = bytesToJson(method.input, request, registry);
      // The caller promises that Q is the JSON type of the method's descriptor; nothing can check that here.
      return checkScript(reply(json as Q), {
        ...(responseType && { response: responseType.typeName }),
        ...(metadataType && { metadata: metadataType.typeName }),
      });
    },
  };
}
