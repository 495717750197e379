import type { AnyJson, JsonObject } from './snapshot';

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
