import type { RawOperation } from '../apis/api';
import type { DescriptorRegistry } from '../descriptors/registry';
import type { CheckedEffect, CheckedOperation } from './check-script';
import { callFailure } from './faults';
import { newId } from './new-id';
import { OperationFile } from './operation-file';
import { play } from './play';
import { ReadableResources, type OperatedResource } from './readable-resources';
import { toRawOperation } from './raw-operation';

/** An operation that has begun. Times are epoch milliseconds. */
export interface ScriptedOperation {
  readonly id: string;
  readonly script: CheckedOperation;
  /** The path of the method that started it, and the idempotency key of that call. */
  readonly method?: string;
  readonly key?: string;
  readonly resource?: OperatedResource;
  /** Undefined while the clock has not answered. */
  createdAt?: number;
  /** When it was first cancelled. */
  cancelledAt?: number;
}

/** Beyond this number, each new operation makes FakeCloud forget the oldest one, if that one is done. */
export const MAXIMUM_OPERATIONS = 100_000;

/** How an operation was started. */
export interface Origin {
  /** @default a new one */
  id?: string;
  method?: string;
  key?: string | undefined;
  resource?: OperatedResource | undefined;
}

/** The operations of a FakeCloud, in memory and optionally in a file. */
export class ScriptedOperations {
  readonly resources = new ReadableResources();
  readonly #registry: DescriptorRegistry;
  readonly #file: OperationFile | undefined;
  readonly #maximum: number;
  /** By id, earliest first. */
  readonly #operations = new Map<string, ScriptedOperation>();
  /** By method and idempotency key. */
  readonly #started = new Map<string, ScriptedOperation>();
  /** By id: settled once the clock has answered. */
  readonly #beginning = new Map<string, Promise<void>>();
  /** By id: how often each fault of the script has applied. */
  readonly #spoilt = new Map<string, number[]>();

  /** Throws an OptionError if `file` exists and no FakeCloud wrote it. */
  constructor(registry: DescriptorRegistry, file?: string, maximum = MAXIMUM_OPERATIONS) {
    this.#registry = registry;
    this.#maximum = maximum;
    this.#file = file === undefined ? undefined : new OperationFile(file);
    for (const operation of this.#file?.read() ?? []) this.#keep(operation);
    this.#file?.write(this.#operations.values());
  }

  /** Begins an operation at `at`. Throws if its messages cannot be encoded. */
  begin(script: CheckedOperation, at: number | Promise<number>, origin?: Origin): ScriptedOperation {
    const id = origin?.id ?? newId();
    const scenes = [0, ...(script.stages ?? []).map((stage) => stage.at), script.after ?? 0].map((moment) =>
      play(script, 0, moment),
    );
    const later = (script.afterwards ?? []).map(({ response }) => ({ done: true, modifiedAt: 0, response }));
    for (const scene of [...scenes, ...later]) toRawOperation({ id, createdAt: 0 }, scene, this.#registry);
    const operation: ScriptedOperation = { id, script, ...(origin && originOf(origin)) };
    this.#keep(operation);
    if (typeof at === 'number') {
      this.#begun(operation, at);
    } else {
      const begun = at.then((time) => void this.#begun(operation, time));
      // Without a time, it begins when it is first asked for.
      this.#beginning.set(
        id,
        begun.catch(() => undefined).finally(() => this.#beginning.delete(id)),
      );
    }
    return operation;
  }

  find(id: string): ScriptedOperation | undefined {
    return this.#operations.get(id);
  }

  /** Returns the operation that a call of `method` with this idempotency key has started. */
  startedBy(method: string, key: string): ScriptedOperation | undefined {
    return this.#started.get(`${method} ${key}`);
  }

  /** Returns the fault that applies to this call, if any, and counts it. */
  nextFault({ id, script }: ScriptedOperation, verb: 'Get' | 'Cancel'): CheckedEffect | undefined {
    const faults = script.faults ?? [];
    const spoilt = this.#spoilt.get(id) ?? faults.map(() => 0);
    const index = faults.findIndex(({ on = verb, calls }, i) => on === verb && (spoilt[i] ?? 0) < calls);
    if (index < 0) return undefined;
    this.#spoilt.set(id, spoilt.with(index, (spoilt[index] ?? 0) + 1));
    return faults[index];
  }

  /** Returns the operation as it is at `at`. */
  async get(operation: ScriptedOperation, at: number): Promise<RawOperation> {
    const createdAt = await this.#createdAt(operation, at);
    const { id, script, cancelledAt, resource } = operation;
    const scene = play(script, createdAt, at, cancelledAt);
    const raw = toRawOperation({ id, createdAt, description: script.description }, scene, this.#registry);
    return { ...raw, ...(resource && { resourceId: resource.id }) };
  }

  /** Cancels the operation as its script says, and returns it. Rejects if the script refuses. */
  async cancel(operation: ScriptedOperation, at: number): Promise<RawOperation> {
    const { onCancel } = operation.script;
    if (typeof onCancel === 'object' && 'refuses' in onCancel) throw callFailure(onCancel.refuses, this.#registry);
    await this.#createdAt(operation, at);
    if (operation.cancelledAt === undefined) {
      operation.cancelledAt = at;
      this.#file?.cancel(operation.id, at);
    }
    return this.get(operation, at);
  }

  #keep(operation: ScriptedOperation): void {
    const { id, method, key } = operation;
    this.#operations.set(id, operation);
    this.resources.add(operation);
    if (method !== undefined && key !== undefined) this.#started.set(`${method} ${key}`, operation);
  }

  async #createdAt(operation: ScriptedOperation, at: number): Promise<number> {
    await this.#beginning.get(operation.id);
    return operation.createdAt ?? this.#begun(operation, at);
  }

  #begun(operation: ScriptedOperation, at: number): number {
    operation.createdAt = at;
    this.#file?.add(operation);
    this.#forget(at);
    return at;
  }

  /** Forgets the oldest operations in excess of the maximum that are done at `at`. The others become the youngest. */
  #forget(at: number): void {
    let excess = this.#operations.size - this.#maximum;
    for (const operation of this.#operations.values()) {
      if (excess-- <= 0) return;
      const { id, script, createdAt, cancelledAt, method, key } = operation;
      this.#operations.delete(id);
      if (createdAt === undefined || !play(script, createdAt, at, cancelledAt).done) {
        this.#operations.set(id, operation);
      } else {
        this.#spoilt.delete(id);
        this.resources.delete(operation);
        this.#started.delete(`${method} ${key}`);
      }
    }
  }
}

function originOf({ method, key, resource }: Origin): Pick<ScriptedOperation, 'method' | 'key' | 'resource'> {
  return { ...(method !== undefined && { method }), ...(key !== undefined && { key }), ...(resource && { resource }) };
}
