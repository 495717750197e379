import type { DescriptorRegistry } from '../descriptors/registry';
import { POLL_INTERVAL_HEADER } from '../model/names';
import type { CheckedEffect } from './check-script';
import type { CheckedOperation } from './check-script';
import { writeOperation } from './envelope';
import { callFailure } from './faults';
import { readOperationId, writeOperationId, type ReadOperationId } from './operation-id';
import { play } from './play';
import type { OutgoingReply } from './server';

/** An operation that this FakeCloud, or an earlier one, has begun. */
export type ScriptedOperation = ReadOperationId & { id: string };

/**
 * The operations of a FakeCloud. Their ids encode them. Closing loses only what is kept here: which operations were
 * cancelled, how often their faults applied, and start times that were not known when the id was written.
 */
export class ScriptedOperations {
  readonly #registry: DescriptorRegistry;
  readonly #begunAt = new Map<string, number | Promise<number>>();
  readonly #cancelledAt = new Map<string, number>();
  readonly #spoilt = new Map<string, number[]>();
  #sequence = 0;

  constructor(registry: DescriptorRegistry) {
    this.#registry = registry;
  }

  /** Begins an operation at `at`. Throws if its id would be too long or its messages cannot be encoded. */
  begin(script: CheckedOperation, at: number | Promise<number>): ScriptedOperation {
    const createdAt = typeof at === 'number' ? { createdAt: at } : {};
    const id = writeOperationId(script, this.#sequence++, createdAt.createdAt);
    for (const moment of [0, ...(script.stages ?? []).map((stage) => stage.at), script.after ?? 0]) {
      writeOperation({ id, createdAt: 0 }, play(script, 0, moment), this.#registry);
    }
    if (typeof at !== 'number') {
      this.#begunAt.set(id, at);
      at.catch(() => this.#begunAt.delete(id));
    }
    return { id, script, ...createdAt };
  }

  /** Returns the operation with this id; undefined if no FakeCloud wrote the id. */
  find(id: string): ScriptedOperation | undefined {
    const read = readOperationId(id);
    return read && { ...read, id };
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
  async reply(operation: ScriptedOperation, at: number): Promise<OutgoingReply> {
    const { id, script } = operation;
    const createdAt = await this.#createdAt(operation, at);
    const scene = play(script, createdAt, at, this.#cancelledAt.get(id));
    return { body: writeOperation({ id, createdAt, description: script.description }, scene, this.#registry) };
  }

  /** As {@link reply}, with the script's poll interval in a header. */
  async get(operation: ScriptedOperation, at: number): Promise<OutgoingReply> {
    const reply = await this.reply(operation, at);
    const { pollInterval } = operation.script;
    return pollInterval === undefined ? reply : { ...reply, headers: { [POLL_INTERVAL_HEADER]: String(pollInterval) } };
  }

  /** Cancels the operation as its script says, and replies as {@link reply}. Rejects if the script refuses. */
  async cancel(operation: ScriptedOperation, at: number): Promise<OutgoingReply> {
    const { id, script } = operation;
    const { onCancel } = script;
    if (typeof onCancel === 'object' && 'refuses' in onCancel) throw callFailure(onCancel.refuses, this.#registry);
    if (!this.#cancelledAt.has(id)) this.#cancelledAt.set(id, at);
    return this.reply(operation, at);
  }

  async #createdAt({ id, createdAt }: ScriptedOperation, at: number): Promise<number> {
    if (createdAt !== undefined) return createdAt;
    // A former FakeCloud began it, and its start time is lost: it begins when it is first asked for.
    if (!this.#begunAt.has(id)) this.#begunAt.set(id, at);
    return (await this.#begunAt.get(id)) ?? at;
  }
}
