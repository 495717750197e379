// Entry 'temporal-lro/method': what generated modules import, types only. By itself, since the types of the SDK, which the
// workflow entry brings along, would take the compiler more memory than all of a cloud's.
import type { AnyJson, JsonObject } from './snapshot';

export type { AnyJson, JsonObject };

/**
 * A method that starts an operation: its path on the wire, and for the compiler the JSON types of its request, response
 * and metadata. `temporal-lro generate` writes these from descriptor sets.
 */
export interface OperationMethod<Q = JsonObject, R = AnyJson, M = AnyJson> {
  /** `/package.Service/Method` */
  readonly path: string;
  /** For the compiler only; never present at run time. */
  readonly '~types'?: { request: Q; response: R; metadata: M };
}
