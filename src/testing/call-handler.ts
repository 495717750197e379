import { statusCode } from '../model/snapshot';
import type { DescriptorRegistry } from '../descriptors/registry';
import { IDEMPOTENCY_KEY_HEADER } from '../model/names';
import { type CheckedEffect, checkEffect } from './check-script';
import { OPERATION_METHODS, readRequestedId } from './envelope';
import { callFailure, spoil } from './faults';
import type { FaultEffect } from './script';
import type { ScriptedOperations } from './scripted-operations';
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
  readonly #registry: DescriptorRegistry;
  readonly #operations: ScriptedOperations;
  readonly #now: () => number | Promise<number>;
  readonly #counts = new Map<string, number>();

  constructor(registry: DescriptorRegistry, operations: ScriptedOperations, now: () => number | Promise<number>) {
    this.#registry = registry;
    this.#operations = operations;
    this.#now = now;
    this.unary = new UnaryReplies(registry, operations.resources);
  }

  /** Answers a call. Rejects with the CallFailure that the caller is to get. */
  async answer(call: IncomingCall): Promise<OutgoingReply> {
    const { path, headerNames: headers } = call;
    const at = await this.#now();
    const verb = OPERATION_METHODS.get(path);
    if (!verb) {
      this.calls.push({ method: path, at, headers });
      const fault = this.#intercepted({ method: path });
      const start = this.methods.get(path);
      const work = () => (start ? this.#start(start, call, at) : this.unary.reply(call, at));
      return spoil(fault, work, this.#registry, call.signal);
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

  #start(method: StartMethod, call: IncomingCall, at: number): Promise<OutgoingReply> {
    const key = call.header(IDEMPOTENCY_KEY_HEADER);
    const started = key === undefined ? undefined : this.#operations.startedBy(method.path, key);
    if (started) return this.#operations.reply(started, at);
    const { script, resource } = method.play(
      call.body,
      (type, id) => this.#operations.resources.find(type, id, at)?.value,
    );
    if ('refuse' in script) throw callFailure(script.refuse, this.#registry);
    return this.#operations.reply(this.#operations.begin(script, at, { method: method.path, key, resource }), at);
  }

  #notFound(id: string): Error {
    return callFailure({ code: statusCode('NOT_FOUND'), message: `Operation ${id} not found` }, this.#registry);
  }
}
