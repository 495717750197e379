import type { DescField, DescMethod } from '@bufbuild/protobuf';

/** How the descriptors of an operation API show which methods start operations, and what these operations result in. */
export interface StartRules {
  /** The full names of the types that are an operation. A method that returns one of them starts an operation. */
  readonly operations: readonly string[];
  /** Whether a start returns a message with the operation in one of its fields, instead of the operation itself. */
  readonly inField?: boolean;
  /** Services and methods that return operations but start none, such as `a.v1.Operations` or `a.v1.Cloud.GetOperation`. */
  readonly except: readonly string[];
  /** The method option that names the types in the operation: its number, and the numbers of its fields. */
  readonly types?: { readonly option: number; readonly metadata: number; readonly response: number };
  /** The operation does not contain its result, which is a resource to read. */
  readonly reads?: ResourceRules;
  /** Whether a request without this field is invalid. */
  readonly isRequired?: (field: DescField) => boolean;
}

export interface ResourceRules {
  /** The names of methods in the service of `start` that read its resource. The first one that exists counts. */
  readonly methods: (start: DescMethod) => readonly string[];
  /**
   * What has the ID of the resource: the operation, or the start. The reply to the start has it in a field with the name
   * of the field that takes it in the request of the reading method. If it has none, the request of the start has it.
   */
  readonly idFrom: 'operation' | 'start';
}

/** The names of methods that leave no resource to read. */
export const REMOVING = /^(Delete|Purge|Remove|Revoke)/;
