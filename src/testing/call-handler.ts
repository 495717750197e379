import { statusCode, type JsonObject } from '../model/snapshot';
import type { DescriptorRegistry } from '../descriptors/registry';
import { type CheckedEffect, checkEffect } from './check-script';
import { operationVerbs, type ServedApi } from './dialects/served-api';
import { callFailure, spoil } from './faults';
import { newId } from './new-id';
import type { FaultEffect } from './script';
import type { ScriptedOperation, ScriptedOperations } from './scripted-operations';
import type { IncomingCall, OutgoingReply } from './server';
import type { StartMethod } from './start-method';
import { UnaryReplies } from './unary-replies';

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
  /** The methods that start operations, by path. */
  readonly methods = new Map<string, StartMethod>();
  /** The other methods. */
  readonly unary: UnaryReplies;
  readonly #served: ServedApi;
  readonly #verbs: ReadonlyMap<string, 'Get' | 'Cancel'>;
  readonly #registry: DescriptorRegistry;
  readonly #operations: ScriptedOperations;
  readonly #now: () => number | Promise<number>;
  readonly #counts = new Map<string, number>();

  constructor(
    served: ServedApi,
    registry: DescriptorRegistry,
    operations: ScriptedOperations,
    now: () => number | Promise<number>,
  ) {
    this.#served = served;
    this.#verbs = operationVerbs(served);
    this.#registry = registry;
    this.#operations = operations;
    this.#now = now;
    this.unary = new UnaryReplies(registry, operations.resources);
  }

  /** Answers a call. Rejects with the CallFailure that the caller is to get. */
  async answer(call: IncomingCall): Promise<OutgoingReply> {
    const { path, headerNames: headers } = call;
    const at = await this.#now();
    const verb = this.#verbs.get(path);
    if (!verb) {
      this.calls.push({ method: path, at, headers });
      const fault = this.#intercepted({ method: path });
      const start = this.methods.get(path);
      const work = () => (start ? this.#start(start, call, at) : this.unary.reply(call, at));
      return spoil(fault, work, this.#registry, call.signal);
    }
    const operationId = this.#served.readId(call.body);
    this.calls.push({ method: path, at, operationId, headers });
    const operation = this.#operations.find(operationId);
    const fault =
      this.#intercepted({ method: path, operationId }) ?? (operation && this.#operations.nextFault(operation, verb));
    const work = async (): Promise<OutgoingReply> => {
      if (!operation) throw this.#notFound(operationId);
      const { encode, encodeCancelled = encode } = this.#served;
      if (verb === 'Cancel') return encodeCancelled(await this.#operations.cancel(operation, at));
      const { pollInterval } = operation.script;
      const pollAfter = pollInterval === undefined ? {} : { pollAfterMs: pollInterval * 1000 };
      return encode({ ...(await this.#operations.get(operation, at)), ...pollAfter });
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

  async #start(method: StartMethod, call: IncomingCall, at: number): Promise<OutgoingReply> {
    const { encode, encodeStarted = encode } = this.#served;
    const request = method.request(call.body);
    const key = this.#keyOf(method, request, call);
    const started = key === undefined ? undefined : this.#operations.startedBy(method.path, key);
    const operation = started ?? this.#begin(method, request, key, at);
    const raw = await this.#operations.get(operation, at);
    return encodeStarted(operation.script.withoutId ? { ...raw, id: '' } : raw, method.start);
  }

  /** What marks the call, so that a repeated one returns the same operation. */
  #keyOf({ start }: StartMethod, request: JsonObject, call: IncomingCall): string | undefined {
    const { headers = {}, fields = {} } = this.#served.api.mark('', start.method) ?? {};
    const values = [
      ...Object.keys(headers).map((name) => call.header(name)),
      ...Object.keys(fields).map((field) => request[field]),
    ];
    return values.find((value): value is string => typeof value === 'string' && value !== '');
  }

  #begin(method: StartMethod, request: JsonObject, key: string | undefined, at: number): ScriptedOperation {
    const find = (type: string, id: string) => this.#operations.resources.find(type, id, at)?.value;
    const { script, resource } = method.play(request, find);
    if ('refuse' in script) throw callFailure(script.refuse, this.#registry);
    const id = this.#served.newId?.(newId(), request) ?? newId();
    return this.#operations.begin(script, at, { id, method: method.path, key, resource });
  }

  #notFound(id: string): Error {
    return callFailure({ code: statusCode('NOT_FOUND'), message: `Operation ${id} not found` }, this.#registry);
  }
}
