import type { AnyJson } from '../model/snapshot';
import { play } from './play';
import type { ScriptedOperation } from './scripted-operations';

/** The resource that an operation creates or changes, or deletes. */
export interface OperatedResource {
  /** The path of the method that reads it, which names its type. */
  type: string;
  id: string;
  isDeleted?: true;
}

/** A resource as it is at one moment. */
export interface Resource {
  value: AnyJson;
  /** When the operation that created it was done, in epoch milliseconds. */
  createdAt: number;
}

/** The resources that operations have created. A resource follows from its operations: nothing else is kept. */
export class ReadableResources {
  /** The operations of each resource, by its type and id. */
  readonly #operations = new Map<string, Map<string, Set<ScriptedOperation>>>();

  add(operation: ScriptedOperation): void {
    const { resource } = operation;
    if (!resource) return;
    const ofType = this.#operations.get(resource.type) ?? new Map<string, Set<ScriptedOperation>>();
    this.#operations.set(resource.type, ofType);
    ofType.set(resource.id, (ofType.get(resource.id) ?? new Set()).add(operation));
  }

  delete(operation: ScriptedOperation): void {
    const { resource } = operation;
    if (!resource) return;
    const ofType = this.#operations.get(resource.type);
    const ofResource = ofType?.get(resource.id);
    ofResource?.delete(operation);
    if (ofResource?.size === 0) ofType?.delete(resource.id);
  }

  /** Returns a resource as it is at `at`; undefined if there is none then. */
  find(type: string, id: string, at: number): Resource | undefined {
    return this.#resource(this.#operations.get(type)?.get(id) ?? [], at);
  }

  /** Returns the resources of a type that exist at `at`, in the order in which their creation began. */
  list(type: string, at: number): Resource[] {
    const ofType = this.#operations.get(type)?.values() ?? [];
    return [...ofType].flatMap((operations) => this.#resource(operations, at) ?? []);
  }

  #resource(operations: Iterable<ScriptedOperation>, at: number): Resource | undefined {
    let resource: Resource | undefined;
    for (const { operation, endedAt, response } of succeeded(operations, at)) {
      const changes = (operation.script.afterwards ?? []).filter(({ after }) => endedAt + after <= at);
      const value = changes.sort((a, b) => a.after - b.after).at(-1)?.response ?? response;
      resource = operation.resource?.isDeleted ? undefined : { value, createdAt: resource?.createdAt ?? endedAt };
    }
    return resource;
  }
}

/** The operations that have succeeded at `at`, earliest end first. */
function succeeded(
  operations: Iterable<ScriptedOperation>,
  at: number,
): { operation: ScriptedOperation; endedAt: number; response: AnyJson }[] {
  const ended = [...operations].flatMap((operation) => {
    if (operation.createdAt === undefined) return [];
    const { done, response, modifiedAt } = play(operation.script, operation.createdAt, at, operation.cancelledAt);
    return done && response ? [{ operation, endedAt: modifiedAt, response }] : [];
  });
  return ended.sort((a, b) => a.endedAt - b.endedAt);
}
