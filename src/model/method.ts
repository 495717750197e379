// Entry 'temporal-lro/method': the types that generated modules import. It is separate because the workflow entry pulls
// in the SDK's types, which cost the compiler more memory than all the types of a cloud.
import type { AnyJson, JsonObject } from './snapshot';

export type { AnyJson, JsonObject };

/**
 * A method that starts an operation: its gRPC path, and at compile time the JSON types of its request, response and
 * metadata. `temporal-lro generate` writes these constants from descriptor sets.
 */
export interface OperationMethod<Q = JsonObject, R = AnyJson, M = AnyJson> {
  /** `/package.Service/Method` */
  readonly path: string;
  /** For the compiler only; never present at run time. */
  readonly '~types'?: { request: Q; response: R; metadata: M };
}

/**
 * A unary method that starts no operation: its gRPC path, and at compile time the JSON types of its request and
 * response. `temporal-lro generate` writes these constants too.
 */
export interface UnaryMethod<Q = JsonObject, R = JsonObject> {
  /** `/package.Service/Method` */
  readonly path: string;
  /** For the compiler only; never present at run time. */
  readonly '~unary'?: { request: Q; response: R };
}

/** The JSON of a double or float, which has no numbers for three of its values. */
export type Double = number | 'NaN' | 'Infinity' | '-Infinity';

/** A request may omit these fields, or set them to undefined. */
export type Optional<T> = { [K in keyof T]?: T[K] | undefined };
