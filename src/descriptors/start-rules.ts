import type { DescMethod } from '@bufbuild/protobuf';

/**
 * How the descriptors of an operation API show which methods start operations, and what these operations result in.
 * The rows for the built-in APIs are below.
 */
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

/** Methods that leave no resource to read. */
const REMOVING = /^(Delete|Purge|Remove|Revoke)/;

/** Types: `(yandex.cloud.api.operation)`. */
export const YANDEX: StartRules = {
  operations: ['yandex.cloud.operation.Operation'],
  except: ['yandex.cloud.operation.OperationService'],
  types: { option: 87334, metadata: 1, response: 2 },
};

/** Types: `(google.longrunning.operation_info)`. */
export const GOOGLE: StartRules = {
  operations: ['google.longrunning.Operation'],
  except: ['google.longrunning.Operations'],
  types: { option: 1049, metadata: 2, response: 1 },
};

/** `Get` reads the resource by the operation's `resource_id`. */
export const NEBIUS: StartRules = {
  operations: ['nebius.common.v1.Operation', 'nebius.common.v1alpha1.Operation'],
  except: ['nebius.common.v1.OperationService', 'nebius.common.v1alpha1.OperationService'],
  reads: { methods: ({ name }) => (REMOVING.test(name) ? [] : ['Get', 'GetById']), idFrom: 'operation' },
};

/** `CreateNamespace` returns an ID next to the operation, and `GetNamespace` reads the resource. */
export const TEMPORAL_CLOUD: StartRules = {
  operations: ['temporal.api.cloud.operation.v1.AsyncOperation'],
  inField: true,
  except: ['temporal.api.cloud.cloudservice.v1.CloudService.GetAsyncOperation'],
  reads: { methods: ({ name }) => (REMOVING.test(name) ? [] : [name.replace(/^[A-Z][a-z]+/, 'Get')]), idFrom: 'start' },
};

export const ALL_START_RULES: readonly StartRules[] = [YANDEX, GOOGLE, NEBIUS, TEMPORAL_CLOUD];
